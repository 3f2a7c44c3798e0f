module github.com/dagstergen/dagstergen/protobuf

go 1.26.0

require (
	github.com/dagstergen/dagstergen v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
	google.golang.org/protobuf v1.34.2
)

require go.yaml.in/yaml/v3 v3.0.6 // indirect

replace github.com/dagstergen/dagstergen => ../
