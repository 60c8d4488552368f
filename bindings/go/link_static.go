//go:build skilllite_static

package skilllite

// The archive comes by its file name, because of -lskilllite a linker takes the shared library; that one is then not needed any more.

// #cgo pkg-config: --static skilllite
// #cgo LDFLAGS: -l:libskilllite.a -Wl,--as-needed
import "C"
