package data

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheIndexKeepsOutOfTheWayOfAFloodAndNotForEver(t *testing.T) {
	for name, tt := range map[string]struct {
		writes int           // in each tenth of a second
		lasts  time.Duration // the flood
		waits  time.Duration
	}{
		"a few texts":     {10, time.Minute, indexPause},
		"a short flood":   {500, time.Second, 1200 * time.Millisecond},
		"an endless one":  {500, time.Minute, indexLag},
		"nothing happens": {0, 0, indexPause},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, began := &index{}, time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				var done sync.WaitGroup
				done.Go(func() {
					for time.Since(began) < tt.lasts && ctx.Err() == nil {
						x.writes.Add(int64(tt.writes))
						time.Sleep(100 * time.Millisecond)
					}
				})
				if !x.quiet(ctx) {
					t.Error("the store is said to close")
				}
				if waited := time.Since(began); waited != tt.waits {
					t.Errorf("it waited for %v, want %v", waited, tt.waits)
				}
				cancel()
				done.Wait()
				if x.quiet(ctx) {
					t.Error("a store that closes is indexed all the same")
				}
			})
		})
	}
}
