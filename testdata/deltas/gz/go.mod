module sealift.dev/testdata/deltas/gz

go 1.21
