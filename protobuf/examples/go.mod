module github.com/dagstergen/dagstergen/protobuf/examples

go 1.26.0

tool github.com/dagstergen/dagstergen/cmd/dagstergen

require (
	github.com/dagstergen/dagstergen v0.0.0-00010101000000-000000000000
	github.com/dagstergen/dagstergen/protobuf v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	google.golang.org/protobuf v1.34.2
)

require (
	github.com/dave/jennifer v1.7.1 // indirect
	github.com/fxamacker/cbor/v2 v2.9.6 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-sqlite3 v1.14.52 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	golang.org/x/text v0.28.0 // indirect
)

replace (
	github.com/dagstergen/dagstergen => ../../
	github.com/dagstergen/dagstergen/protobuf => ../
)
