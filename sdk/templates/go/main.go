// @NAME@: a plugin for Bullpen.
package main

import (
	"errors"

	"github.com/extism/go-pdk"
)

// greet answers a greeting. The input is a name in UTF-8.
//
//go:wasmexport greet
func greet() int32 {
	name := pdk.InputString()
	if name == "" {
		pdk.SetError(errors.New("nobody to greet"))
		return 1
	}
	pdk.OutputString("Hello, " + name + "!")
	return 0
}

// Go wants it; nobody calls it.
func main() {}
