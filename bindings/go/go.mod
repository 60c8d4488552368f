module skilllite.dev/go/skilllite

go 1.24
