//go:build skilllite_static

package skilllite

// #cgo pkg-config: skilllite-static
import "C"
