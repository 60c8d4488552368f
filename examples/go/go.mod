module skilllite.dev/go/skilllite/examples/calculator

go 1.24

require skilllite.dev/go/skilllite v0.0.0

replace skilllite.dev/go/skilllite => ../../bindings/go
