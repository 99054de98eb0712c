package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"porchlight/bridge/sms/smstest"
)

const (
	benchPublicURL = "http://127.0.0.1" // what webhooks are signed over
	benchLine      = "+14155550100"
)

// A benchProcess is a server under test.
type benchProcess struct {
	name, addr string
	cmd        *exec.Cmd
	stdin      io.Closer // its end tells the process that we are gone
	exited     chan error
	ready      time.Duration // from start to the first answer that it is ready
}

// base is the address of its pages.
func (p *benchProcess) base() string { return "http://" + p.addr }

// launch starts this program with args, where the word ADDR stands for an address
// that is free, and waits until it is ready.
func (b *bench) launch(ctx context.Context, name string, args ...string) (*benchProcess, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := &benchProcess{name: name, addr: addr, exited: make(chan error, 1)}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "ADDR", addr)
	}
	p.cmd = exec.CommandContext(ctx, b.self, args...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 20 * time.Second
	p.cmd.Stderr = b.env.stderr
	p.cmd.Env = append(ambient(), "PORCHLIGHT_SERVER_LISTEN="+addr)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { p.exited <- p.cmd.Wait() }() // joined by stop
	if err := p.awaitReady(ctx, began); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), p.stop())
	}
	return p, nil
}

// ambient is our environment without what would configure the servers.
func ambient() []string {
	var out []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "PORCHLIGHT_") {
			out = append(out, pair)
		}
	}
	return out
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (p *benchProcess) awaitReady(ctx context.Context, began time.Time) error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for time.Since(began) < time.Minute {
		r, err := client.Get(p.base() + "/readyz")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				p.ready = time.Since(began)
				return nil
			}
		}
		select {
		case err := <-p.exited:
			p.exited <- nil
			return fmt.Errorf("it ended before it was ready: %w", errors.Join(err, errors.New("see above")))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return errors.New("it was not ready within a minute")
}

// stop ends the process politely, and waits for it.
func (p *benchProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	defer p.stdin.Close()
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("%s ended badly: %w", p.name, err)
		}
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(fmt.Errorf("%s did not stop within 30 s", p.name), p.cmd.Process.Kill())
	}
}

// residentBytes reads the process's memory from its own metrics.
func (p *benchProcess) residentBytes(ctx context.Context) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "process_resident_memory_bytes "); ok {
			return strconv.ParseFloat(strings.TrimSpace(n), 64)
		}
	}
	return 0, errors.New("its metrics do not tell its memory")
}

// product starts the real program, its own serve command, on a store.
func (b *bench) product(ctx context.Context, s *benchStore) (*benchProcess, error) {
	file := filepath.Join(s.dir, "porchlight.yaml")
	text := fmt.Sprintf(`server: {public_url: %q}
storage: {path: %q}
twilio: {account_sid: %q, auth_token: %q, base_url: %q, pace: 0}
lines: [{number: %q, name: Main, pace: 0}]
log: {level: warn}
`, benchPublicURL, s.dir, smstest.AccountSID, smstest.AuthToken, b.carrier.base, benchLine)
	if s.postgres != "" {
		text = strings.Replace(text, "storage: {", fmt.Sprintf("storage: {postgres: %q, ", s.postgres), 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	args := []string{benchServer, "product", "-config", file}
	if b.profile != "" {
		name := fmt.Sprintf("%s-%s.prof", filepath.Base(s.dir), time.Now().Format("150405.000"))
		args = append(args, "-cpuprofile", filepath.Join(b.profile, name))
	}
	return b.launch(ctx, "the product", args...)
}

// bare starts the ceiling on a store of its own.
func (b *bench) bare(ctx context.Context, dir string) (*benchProcess, error) {
	return b.launch(ctx, "the ceiling", benchServer, "ceiling", "-listen", "ADDR", "-dir", dir, "-carrier", b.carrier.base)
}

// serveProduct is the serve command, if asked for under a CPU profiler.
func serveProduct(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	to := flags.String("cpuprofile", "", "`FILE` for the profile")
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	e.args = []string{"-config", *file}
	if *to == "" {
		return serve(ctx, e)
	}
	f, err := os.Create(*to)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = serve(ctx, e)
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// serveNull answers every request at once: what the load generator can do.
func serveNull(ctx context.Context, e env) error {
	flags := e.flags()
	addr := listenFlag(flags)
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	return serveUntil(ctx, *addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // as a server that reads its requests
		w.WriteHeader(http.StatusOK)
	}))
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
