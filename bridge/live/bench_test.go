package live_test

import (
	"sync"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/live"
)

// BenchmarkPublish tells 1,000 subscribers who all listen.
func BenchmarkPublish(b *testing.B) {
	h := live.New()
	var readers, told sync.WaitGroup
	for range 1_000 {
		commits, _ := h.Subscribe() // ended by Close
		readers.Go(func() {
			for range commits {
				told.Done()
			}
		})
	}
	for b.Loop() {
		told.Add(1_000)
		h.Publish(bridge.Commit{Changed: []bridge.ConversationID{1}})
		told.Wait()
	}
	h.Close()
	readers.Wait()
}
