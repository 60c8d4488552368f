module skilllite.dev/go/skilllite/examples/openai

go 1.24

require (
	github.com/openai/openai-go/v3 v3.32.0
	skilllite.dev/go/skilllite v0.0.0
)

require (
	github.com/tidwall/gjson v1.20.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
)

replace skilllite.dev/go/skilllite => ../..
