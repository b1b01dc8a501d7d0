// An ordinary plugin and a few bad habits, in Go with Extism's PDK.
package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
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

// files reads what its host gave it with Go's own library: a file, a part of another, a tree.
//
//go:wasmexport files
func files() int32 {
	text, err := os.ReadFile("/hello.txt")
	if err != nil {
		return fail(err)
	}
	file, err := os.Open("/sub/deep.txt")
	if err != nil {
		return fail(err)
	}
	defer file.Close()
	part := make([]byte, 2)
	if _, err := file.ReadAt(part, 1); err != nil {
		return fail(err)
	}
	paths := []string{}
	err = fs.WalkDir(os.DirFS("/"), ".", func(path string, entry fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return fail(err)
	}
	pdk.OutputString(string(text) + "|" + string(part) + "|" + strings.Join(paths, " "))
	return 0
}

// opens tells what opening or creating a path says.
//
//go:wasmexport opens
func opens() int32 {
	path := pdk.InputString()
	_, err := os.Open(path)
	said := []string{describe(err)}
	_, err = os.Create(path)
	said = append(said, describe(err), describe(os.Remove(path)), describe(os.Mkdir(path+"x", 0o700)))
	info, err := os.Stat(path)
	if err == nil {
		said = append(said, strconv.FormatInt(info.Size(), 10))
	}
	pdk.OutputString(strings.Join(said, "|"))
	return 0
}

//go:wasmexport variables
func variables() int32 {
	pdk.OutputString(strings.Join(os.Environ(), "|"))
	return 0
}

func describe(err error) string {
	var cause syscall.Errno
	if errors.As(err, &cause) {
		return cause.Error()
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func fail(err error) int32 {
	pdk.SetError(err)
	return 1
}

func main() {}
