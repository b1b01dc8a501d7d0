// Bullpen: wazero through Extism's Go SDK as a host for bench/torture.
// SPDX-License-Identifier: Apache-2.0
//
// It takes the commands that the head of commands.c lists and answers in the same words. A plugin is
// compiled once; instances are made from it and kept, since one of them may only be in one call at a
// time. Its documented way to a pristine sandbox is a new instance.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
)

const messageMax, headMax = 511, 64

var errNotOffered = errors.New("not offered")

type request struct {
	verb   string
	values map[string]string
}

func (r request) number(key string) uint64 {
	value, _ := strconv.ParseUint(r.values[key], 10, 64)
	return value
}

type reply struct {
	err         error
	message     string
	output      []byte
	done        uint64
	ms, slowest time.Duration
}

func die(what string) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(70)
}

func readRequest(line string) request {
	words := strings.Fields(line)
	if len(words) == 0 {
		die("an empty command")
	}
	r := request{words[0], map[string]string{}}
	for _, pair := range words[1:] {
		key, value, _ := strings.Cut(pair, "=")
		text, err := url.PathUnescape(value)
		if err != nil {
			die("a value that is not percent-encoded")
		}
		r.values[key] = text
	}
	return r
}

func encode(text string) string {
	if len(text) > messageMax {
		text = text[:messageMax]
	}
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func (r *reply) print() {
	outcome, message := "finished", r.message
	if errors.Is(r.err, errNotOffered) {
		outcome = "not_offered"
	} else if r.err != nil {
		outcome, message = "failed", r.err.Error()
	}
	hash := fnv.New64a()
	hash.Write(r.output)
	fmt.Printf("outcome=%s done=%d ms=%.1f slowest_ms=%.1f size=%d hash=%016x head=%x message=%s\n",
		outcome, r.done, r.ms.Seconds()*1e3, r.slowest.Seconds()*1e3, len(r.output), hash.Sum64(),
		r.output[:min(len(r.output), headMax)], encode(message))
}

// An instance with what ends the call that it is in.
type instance struct {
	plugin *extism.Plugin
	mutex  sync.Mutex
	cancel context.CancelFunc
}

type plugin struct {
	compiled  *extism.CompiledPlugin
	initTime  time.Duration
	instances []*instance
}

var plugins = map[string]*plugin{}

func pluginOf(r request) *plugin {
	found := plugins[r.values["name"]]
	if found == nil {
		die("no plugin of that name")
	}
	return found
}

// Making takes a context: a host that fears start functions gives it an end.
func (p *plugin) context() (context.Context, context.CancelFunc) {
	if p.initTime == 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), p.initTime)
}

func (p *plugin) newInstance() (*instance, error) {
	ctx, cancel := p.context()
	defer cancel()
	made, err := p.compiled.Instance(ctx, extism.PluginInstanceConfig{
		ModuleConfig: wazero.NewModuleConfig().WithSysNanosleep().WithSysNanotime().WithSysWalltime()})
	if err != nil {
		return nil, err
	}
	made.SetLogger(func(extism.LogLevel, string) {})
	return &instance{plugin: made}, nil
}

func load(r request, out *reply) {
	if r.number("log") != 0 {
		extism.SetLogLevel(extism.LogLevelInfo)
	}
	manifest := extism.Manifest{
		Wasm:    []extism.Wasm{extism.WasmFile{Path: r.values["file"]}},
		Timeout: r.number("timeout_ms"),
		Memory:  &extism.ManifestMemory{MaxPages: uint32(r.number("memory_pages")), MaxVarBytes: -1},
	}
	if bytes := r.number("var_bytes"); bytes != 0 {
		manifest.Memory.MaxVarBytes = int64(bytes)
	}
	p := &plugin{initTime: time.Duration(r.number("init_timeout_ms")) * time.Millisecond}
	ctx, cancel := p.context()
	defer cancel()
	var err error
	p.compiled, err = extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{
		EnableWasi:    r.number("wasi") != 0,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCloseOnContextDone(true)}, nil)
	for err == nil && len(p.instances) < max(1, int(r.number("instances"))) {
		var made *instance
		if made, err = p.newInstance(); err == nil {
			p.instances = append(p.instances, made)
		}
	}
	if out.err = err; err == nil {
		plugins[r.values["name"]] = p
	}
}

func (i *instance) call(export string, input []byte, out *reply) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	i.mutex.Lock()
	i.cancel = cancel
	i.mutex.Unlock()
	var code uint32
	code, out.output, out.err = i.plugin.CallWithContext(ctx, export, input)
	if out.err == nil && code != 0 {
		out.err = fmt.Errorf("the plugin returned %d", int32(code))
	}
}

func (p *plugin) call(r request, input []byte, out *reply) {
	used := p.instances[r.number("instance")]
	if r.number("fresh") != 0 {
		if used, out.err = p.newInstance(); out.err != nil {
			return
		}
		defer used.plugin.Close(context.Background())
	}
	used.call(r.values["export"], input, out)
}

func call(r request, out *reply) {
	p, expect, calls := pluginOf(r), r.values["expect"], r.number("calls")
	input := []byte(r.values["input"])
	if zeros := r.number("zeros"); zeros != 0 {
		input = make([]byte, zeros)
	}
	for {
		begin := time.Now()
		p.call(r, input, out)
		out.slowest = max(out.slowest, time.Since(begin))
		if out.err != nil || expect != "" && expect != string(out.output) {
			return
		}
		if out.done++; out.done >= calls {
			return
		}
	}
}

type task struct {
	end chan struct{}
	out reply
}

var tasks = map[uint64]*task{}

func start(r request, out *reply) {
	if r.number("stack") != 0 {
		out.err = errNotOffered // stacks of goroutines have no size of their own
		return
	}
	t := &task{end: make(chan struct{})}
	tasks[r.number("id")] = t
	go func() {
		begin := time.Now()
		call(r, &t.out)
		t.out.ms = time.Since(begin)
		close(t.end)
	}()
}

func cancel(r request) {
	i := pluginOf(r).instances[r.number("instance")]
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.cancel != nil {
		i.cancel()
	}
}

func many(r request, out *reply) {
	p := pluginOf(r)
	var alive []*instance
	for uint64(len(alive)) < r.number("count") && out.err == nil {
		var made *instance
		if made, out.err = p.newInstance(); out.err == nil {
			alive = append(alive, made)
			made.call(r.values["export"], nil, out)
		}
	}
	if out.err == nil {
		alive[0].call(r.values["export"], nil, out)
	}
	out.done = uint64(len(alive))
}

var handled bool

// A fault of the host is a panic in Go: what hosts have is recover.
func fault(out *reply) {
	defer func() {
		if recover() == nil || !handled {
			out.err = errors.New("the fault went unseen")
		}
	}()
	debug.SetPanicOnFault(true)
	var nowhere *byte
	*nowhere = 1
}

func version(info *debug.BuildInfo, path string) string {
	for _, module := range info.Deps {
		if module.Path == path {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "?"
}

func versions() string {
	info, _ := debug.ReadBuildInfo()
	return "go-sdk-" + version(info, "github.com/extism/go-sdk") +
		"-wazero-" + version(info, "github.com/tetratelabs/wazero")
}

func run(r request, out *reply) {
	switch r.verb {
	case "hello":
		out.message = versions()
	case "load":
		load(r, out)
	case "call":
		call(r, out)
	case "start":
		start(r, out)
	case "join":
		t := tasks[r.number("id")]
		<-t.end
		*out = t.out
	case "cancel":
		cancel(r)
	case "reset":
		out.err = errNotOffered // the SDK resets Extism's memory by itself, nothing else
	case "many":
		many(r, out)
	case "handler":
		handled = true
	case "fault":
		fault(out)
	default:
		die("no such command")
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		r, out := readRequest(lines.Text()), &reply{}
		begin := time.Now()
		run(r, out)
		if r.verb != "join" {
			out.ms = time.Since(begin)
		}
		out.print()
	}
}
