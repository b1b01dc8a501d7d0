// An ordinary plugin and a few bad habits, in Go with Extism's PDK.
package main

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/extism/go-pdk"
)

//go:wasmexport count_vowels
func countVowels() int32 {
	count := 0
	for _, letter := range pdk.InputString() {
		switch letter {
		case 'a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U':
			count++
		}
	}
	pdk.OutputString(strconv.Itoa(count))
	return 0
}

//go:wasmexport greet
func greet() int32 {
	greeting, found := pdk.GetConfig("greeting")
	if !found {
		greeting = "Hello"
	}
	pdk.OutputString(greeting + ", " + pdk.InputString())
	return 0
}

//go:wasmexport count
func count() int32 {
	next := pdk.GetVarInt("count") + 1
	pdk.SetVarInt("count", next)
	pdk.OutputString(strconv.Itoa(next))
	return 0
}

var kept int

// kept_count counts in Go's own memory, which lives as long as the sandbox.
//
//go:wasmexport kept_count
func keptCount() int32 {
	kept++
	pdk.OutputString(strconv.Itoa(kept))
	return 0
}

//go:wasmexport say
func say() int32 {
	pdk.Log(pdk.LogWarn, "a warning from Go")
	println("to standard error from Go")
	return 0
}

//go:wasmexport refuse
func refuse() int32 {
	pdk.SetError(errors.New("refused: " + pdk.InputString()))
	return 1
}

//go:wasmexport panics
func panics() int32 {
	var nothing []int
	return int32(nothing[len(pdk.Input())])
}

//go:wasmexport exits
func exits() int32 {
	os.Exit(7)
	return 0
}

//go:wasmexport naps
func naps() int32 {
	time.Sleep(time.Hour)
	return 0
}

//go:wasmexport loops
func loops() int32 {
	for i := 0; ; i++ {
		kept = i
	}
}

func main() {}
