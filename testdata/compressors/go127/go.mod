module sealift/testdata/compress

go 1.27
