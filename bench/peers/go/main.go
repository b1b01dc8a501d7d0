// Bullpen: two pools of Go, measured: a buffered channel, the usual way, and sync.Pool.
// SPDX-License-Identifier: Apache-2.0
//
//	bench-go single      ITEMS MS                   one goroutine receives and sends (P1, P15)
//	bench-go shared      ITEMS MS THREADS           goroutines do so as fast as they can (P2, P15)
//	bench-go line        ITEMS MS THREADS HOLD_NS   goroutines wait in line for few items (P3)
//	bench-go locked      ITEMS MS THREADS HOLD_NS   the same, each goroutine on a thread of its own
//	bench-go sync_single ITEMS MS                   single and shared with sync.Pool; it starts with
//	bench-go sync_shared ITEMS MS THREADS           ITEMS, but makes more when it finds none
//
// The loops are those of bench/pool.c.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	batch      = 10000
	batchesMax = 4000
	samplesMax = 20000
	burst      = 64
)

var clockStart = time.Now()

// now reads only the monotonic clock, which time.Now does not.
func now() int64 { return int64(time.Since(clockStart)) }

func newPool(items int) chan *uint64 {
	pool := make(chan *uint64, items)
	for i := 0; i < items; i++ {
		value := uint64(7)
		pool <- &value
	}
	return pool
}

func newSyncPool(items int) *sync.Pool {
	pool := &sync.Pool{New: func() any { return new(uint64) }}
	for i := 0; i < items; i++ {
		pool.Put(new(uint64))
	}
	return pool
}

func side(mode string) string {
	version := strings.TrimPrefix(runtime.Version(), "go")
	if strings.HasPrefix(mode, "sync_") {
		return "go-sync.Pool-" + version
	}
	return "go-channel-" + version
}

func printSamples(samples []float64) {
	texts := make([]string, len(samples))
	for i, ns := range samples {
		texts[i] = strconv.FormatFloat(ns, 'g', 4, 64)
	}
	fmt.Println(" samples_ns=" + strings.Join(texts, ","))
}

func channelBatch(items int) func() {
	pool := newPool(items)
	return func() {
		for i := 0; i < batch; i++ {
			item := <-pool
			pool <- item
		}
	}
}

func syncBatch(items int) func() {
	pool := newSyncPool(items)
	return func() {
		for i := 0; i < batch; i++ {
			item := pool.Get()
			pool.Put(item)
		}
	}
}

func single(mode string, items int, duration int64, runBatch func()) {
	for i := 0; i < 20; i++ {
		runBatch()
	}
	samples := make([]float64, 0, batchesMax)
	begin := now()
	last := begin
	for last-begin < duration {
		runBatch()
		at := now()
		if len(samples) < batchesMax {
			samples = append(samples, float64(at-last)/batch)
		}
		last = at
	}
	fmt.Printf("record=single side=%s items=%d threads=1 batch=%d", side(mode), items, batch)
	printSamples(samples)
}

type runner struct {
	done, max int64
	stride    int64
	samples   []float64
}

// sample keeps every second one when there is no room, so that the whole run stays represented.
func (r *runner) sample(ns int64) {
	if ns > r.max {
		r.max = ns
	}
	if r.done%r.stride != 0 {
		return
	}
	if len(r.samples) == cap(r.samples) {
		for i := 0; i < len(r.samples)/2; i++ {
			r.samples[i] = r.samples[2*i]
		}
		r.samples = r.samples[:len(r.samples)/2]
		r.stride *= 2
		if r.done%r.stride != 0 {
			return
		}
	}
	r.samples = append(r.samples, float64(ns))
}

func (r *runner) shared(pool chan *uint64, stop *atomic.Bool) {
	for !stop.Load() {
		for i := 0; i < burst; i++ {
			item := <-pool
			pool <- item
			r.done++
		}
	}
}

func (r *runner) sharedSync(pool *sync.Pool, stop *atomic.Bool) {
	for !stop.Load() {
		for i := 0; i < burst; i++ {
			item := pool.Get()
			pool.Put(item)
			r.done++
		}
	}
}

func (r *runner) line(pool chan *uint64, stop *atomic.Bool, hold int64) {
	for !stop.Load() {
		before := now()
		item := <-pool
		taken := now()
		for now()-taken < hold {
		}
		pool <- item
		r.sample(taken - before)
		r.done++
	}
}

// threads measures in count goroutines; body is the loop of one of them.
func threads(mode string, items int, duration int64, count int, hold int64,
	body func(r *runner, stop *atomic.Bool)) {
	runners := make([]runner, count)
	var stop atomic.Bool
	var ready, end sync.WaitGroup
	start := make(chan struct{})
	for i := range runners {
		r := &runners[i]
		*r = runner{stride: 1, samples: make([]float64, 0, samplesMax/count)}
		ready.Add(1)
		end.Add(1)
		go func() {
			defer end.Done()
			if mode == "locked" {
				runtime.LockOSThread()
			}
			ready.Done()
			<-start
			body(r, &stop)
		}()
	}
	ready.Wait()
	begin := now()
	close(start)
	time.Sleep(time.Duration(duration))
	stop.Store(true)
	end.Wait()
	wall := now() - begin
	var done, max int64
	var all []float64
	for i := range runners {
		done += runners[i].done
		if runners[i].max > max {
			max = runners[i].max
		}
		all = append(all, runners[i].samples...)
	}
	fmt.Printf("record=%s side=%s items=%d threads=%d done=%d failed=0 wall_ns=%d",
		strings.TrimPrefix(mode, "sync_"), side(mode), items, count, done, wall)
	if hold != 0 {
		fmt.Printf(" hold_ns=%d max_ns=%d", hold, max)
	}
	printSamples(all)
}

func number(i int) int {
	if i >= len(os.Args) {
		fmt.Fprintln(os.Stderr, "too few arguments; the head of main.go lists them")
		os.Exit(1)
	}
	value, err := strconv.Atoi(os.Args[i])
	if err != nil || value < 1 {
		fmt.Fprintf(os.Stderr, "'%s' is not a positive number\n", os.Args[i])
		os.Exit(1)
	}
	return value
}

func main() {
	items, duration := number(2), int64(number(3))*1e6
	switch mode := os.Args[1]; mode {
	case "single":
		single(mode, items, duration, channelBatch(items))
	case "sync_single":
		single(mode, items, duration, syncBatch(items))
	case "shared":
		pool := newPool(items)
		threads(mode, items, duration, number(4), 0,
			func(r *runner, stop *atomic.Bool) { r.shared(pool, stop) })
	case "sync_shared":
		pool := newSyncPool(items)
		threads(mode, items, duration, number(4), 0,
			func(r *runner, stop *atomic.Bool) { r.sharedSync(pool, stop) })
	case "line", "locked":
		pool, hold := newPool(items), int64(number(5))
		threads(mode, items, duration, number(4), hold,
			func(r *runner, stop *atomic.Bool) { r.line(pool, stop, hold) })
	default:
		fmt.Fprintf(os.Stderr, "'%s': the head of main.go lists the modes\n", mode)
		os.Exit(1)
	}
}
