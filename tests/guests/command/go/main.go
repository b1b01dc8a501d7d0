// A command in Go; the same as ../command.c.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

var runs int

// Standard input to standard output, so many bytes at a time.
func copyAll(chunk int) {
	out := bufio.NewWriter(os.Stdout)
	bytes := make([]byte, chunk)
	for {
		got, err := os.Stdin.Read(bytes)
		out.Write(bytes[:got])
		if err != nil {
			break
		}
	}
	out.Flush()
}

func environment(name string) string {
	if value, there := os.LookupEnv(name); there {
		return value
	}
	return "none"
}

func main() {
	arguments := append(os.Args, "", "")
	number, _ := strconv.Atoi(arguments[2])
	runs++
	switch arguments[1] {
	case "args":
		for _, text := range os.Args[2:] {
			fmt.Println(text)
		}
	case "name":
		fmt.Println(os.Args[0])
	case "env":
		fmt.Println(environment(arguments[2]))
	case "runs":
		fmt.Println(runs)
	case "complain":
		fmt.Print("said before")
		fmt.Fprintln(os.Stderr, "it went wrong")
		os.Exit(number)
	default:
		if number == 0 {
			number = 4096
		}
		copyAll(number)
	}
}
