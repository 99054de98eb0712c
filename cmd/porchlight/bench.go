package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The benchmark measures this program beside a bare one (bench_ceiling.go) on the
// same machine, in the same minutes, in alternating rounds: rates of a shared
// machine mean little, ratios do. The servers under test are processes of their
// own; this process only makes the load. docs/benchmarks.md tells how to read it.

// A benchOptions is what the command line asks for.
type benchOptions struct {
	quick, json bool
	only        []string
	dir         string // where stores are made; a folder in it is removed at the end
	postgres    string // URL of a server where a database may be made; empty: none
	profile     string // folder for CPU profiles of the servers; empty: none
	messages    int    // in the large store
	size        int    // texts in one round; 0: by the number of callers
}

// A bench is one run of the command.
type bench struct {
	benchOptions
	env     env
	self    string // the program that the servers are started from
	dir     string // ours alone
	run     string // 16 hex digits, so that two runs never send the same id
	sent    int    // texts made so far, for ids
	carrier *benchCarrier
	large   map[string]*benchStore // the store of N messages by engine, made when first asked for
	figures []figure
	// databases are those that we made at the PostgreSQL server.
	databases []string
}

// benchSuites are what -only chooses from, in the order they run.
func benchSuites() []struct {
	name string
	run  func(*bench, context.Context) error
} {
	return []struct {
		name string
		run  func(*bench, context.Context) error
	}{
		{"inbound", (*bench).inbound},
		{"list", (*bench).pages},
		{"reply", (*bench).replies},
		{"live", (*bench).streams},
		{"portal", (*bench).portal},
		{"search", (*bench).searches},
		{"start", (*bench).starts},
	}
}

func runBench(ctx context.Context, e env) error {
	o, err := readBenchOptions(e)
	if err != nil {
		return err
	}
	slog.SetDefault(newLogger(e.stderr, LogConfig{Level: slog.LevelWarn, Format: "text"}))
	b := &bench{benchOptions: o, env: e, run: randomHex(8), large: map[string]*benchStore{}}
	if b.self, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if b.dir, err = os.MkdirTemp(o.dir, "porchlight-bench-"); err != nil {
		return fmt.Errorf("make a folder for the stores: %w", err)
	}
	defer os.RemoveAll(b.dir)
	if b.carrier, err = startBenchCarrier(); err != nil {
		return err
	}
	defer b.carrier.close()
	defer b.dropDatabases(context.WithoutCancel(ctx))
	started := time.Now()
	for _, s := range benchSuites() {
		if !slices.Contains(o.only, s.name) {
			continue
		}
		if err := s.run(b, ctx); err != nil {
			return errors.Join(fmt.Errorf("measure %s: %w", s.name, err), b.print(e.stdout))
		}
	}
	b.say("done in %s", time.Since(started).Round(time.Second))
	return b.print(e.stdout)
}

func readBenchOptions(e env) (o benchOptions, err error) {
	flags := e.flags()
	flags.BoolVar(&o.quick, "quick", false, "small stores and short rounds: two minutes, and figures that only tell fast from slow")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a figure instead of a table")
	flags.StringVar(&o.dir, "dir", "", "`FOLDER` to make the stores in, on the disk to be measured (default: the system's temporary one)")
	flags.StringVar(&o.postgres, "postgres", "", "measure inbound on PostgreSQL too, in a database made at this server `URL`")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles of the servers to this `FOLDER`")
	flags.IntVar(&o.messages, "messages", 0, "`N` messages in the large store (default 1000000, with -quick 50000)")
	flags.IntVar(&o.size, "texts", 0, "`N` texts in one round (default: by the number of callers)")
	var names []string
	for _, s := range benchSuites() {
		names = append(names, s.name)
	}
	only := flags.String("only", strings.Join(names, ","), "measure only this `LIST`")
	if _, err := e.parse(flags, 0, 0); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(*only, ",") {
		if !slices.Contains(names, name) {
			return o, &usageError{fmt.Sprintf("there is no %q to measure; choose from %s", name, strings.Join(names, ","))}
		}
		o.only = append(o.only, name)
	}
	if o.messages < 0 || o.size < 0 {
		return o, &usageError{"-messages and -texts are counts"}
	}
	if o.messages == 0 {
		o.messages = o.pick(50_000, 1_000_000)
	}
	for _, dir := range []string{o.dir, o.profile} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return o, err
		}
	}
	return o, nil
}

// pick gives the first number with -quick and else the second.
func (o benchOptions) pick(quick, full int) int {
	if o.quick {
		return quick
	}
	return full
}

// say tells a person who waits how far it is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.env.stderr, "bench: "+format+"\n", args...)
}

// folder makes a new folder for a store.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.Mkdir(dir, 0o700)
}

// benchServer is the hidden first argument of the processes that a benchmark
// starts. It is no command: nobody has a use for it.
const benchServer = "bench-server"

// serveBench is such a process: the bare program, a server that answers nothing,
// or the real one. It ends with a signal, or when the process
// that holds its standard input ends.
func serveBench(ctx context.Context, e env) error {
	e.command = command{name: benchServer}
	if len(e.args) < 2 {
		return &usageError{"this is started by porchlight bench"}
	}
	mode := e.args[1]
	e.args = e.args[2:]
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, e.stdin) // until whoever started us is gone
		stop()
	}()
	switch mode {
	case "ceiling":
		return serveCeiling(ctx, e)
	case "null":
		return serveNull(ctx, e)
	case "product":
		return serveProduct(ctx, e)
	}
	return &usageError{fmt.Sprintf("there is no server %q", mode)}
}

func listenFlag(flags *flag.FlagSet) *string {
	return flags.String("listen", "127.0.0.1:0", "`ADDR` to serve on")
}
