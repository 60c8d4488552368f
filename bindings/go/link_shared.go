//go:build !skilllite_static

package skilllite

// #cgo pkg-config: skilllite
import "C"
