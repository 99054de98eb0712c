package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// starts measures a start on the large store, the memory of a program that has
// nothing to do, and the size of what an owner installs.
func (b *bench) starts(ctx context.Context) error {
	s, err := b.largeStore(ctx, "sqlite")
	if err != nil {
		return err
	}
	var ready, idle []float64
	for i := range b.pick(3, 7) {
		p, err := b.product(ctx, s)
		if err != nil {
			return err
		}
		ready = append(ready, inMillis(p.ready))
		if i == 0 {
			select {
			case <-time.After(2 * time.Second): // what starting needed is given back
			case <-ctx.Done():
			}
			n, err := p.residentBytes(ctx)
			if err != nil {
				return errors.Join(err, p.stop())
			}
			idle = append(idle, n/(1<<20))
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.add("start to ready, "+amountOf(b.messages)+" messages", "ms", ready, nil, "", atMost(50, "ms"))
	b.add("idle memory", "MB", idle, nil, "", atMost(30, "MB"))
	return b.binary(ctx)
}

// binary builds what the Makefile builds, where there is a Go and the source.
func (b *bench) binary(ctx context.Context) error {
	gobin, err := exec.LookPath("go")
	if err != nil {
		b.say("the size of a release build is not measured: there is no go on the PATH")
		return nil
	}
	file := filepath.Join(b.dir, "release")
	cmd := exec.CommandContext(ctx, gobin, "build", "-tags", "nomsgpack,nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-o", file, "porchlight/cmd/porchlight")
	cmd.Env = append(os.Environ(), "CGO_CFLAGS=-Os -fno-asynchronous-unwind-tables")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.say("the size of a release build is not measured: go build: %v: %s", err, out)
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	b.add("release binary", "MB", []float64{float64(info.Size()) / 1e6}, nil, "", atMost(25, "MB"))
	return nil
}
