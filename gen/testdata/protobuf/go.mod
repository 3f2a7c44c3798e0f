module github.com/dagstergen/dagstergen/protobuf

go 1.26.0
