package live

import (
	"sync"
	"testing"

	"porchlight/bridge"
)

func TestEverySubscriberHearsEveryCommit(t *testing.T) {
	h := New()
	var all []<-chan bridge.Commit
	for range 50 {
		ch, cancel := h.Subscribe()
		defer cancel()
		all = append(all, ch)
	}
	for rev := int64(1); rev <= 10; rev++ {
		h.Publish(bridge.Commit{Rev: rev, Changed: []bridge.ConversationID{1}})
	}
	for i, ch := range all {
		for rev := int64(1); rev <= 10; rev++ {
			if c := <-ch; c.Rev != rev {
				t.Fatalf("subscriber %d heard %d, want %d", i, c.Rev, rev)
			}
		}
	}
}

func TestASlowReaderIsLetGoAndOthersAreNot(t *testing.T) {
	h := New()
	slow, _ := h.Subscribe()
	quick, cancel := h.Subscribe()
	defer cancel()
	for rev := int64(1); rev <= slots+1; rev++ {
		h.Publish(bridge.Commit{Rev: rev, Changed: []bridge.ConversationID{1}})
		if c, ok := <-quick; !ok || c.Rev != rev {
			t.Fatalf("the quick one heard %d %t, want %d", c.Rev, ok, rev)
		}
	}
	n := 0
	for range slow {
		n++
	}
	if n != slots || h.Streams() != 1 {
		t.Errorf("the slow one got %d hints before its stream closed; %d streams left", n, h.Streams())
	}
}

func TestACommitThatChangedNothingIsNotTold(t *testing.T) {
	h := New()
	ch, cancel := h.Subscribe()
	h.Publish(bridge.Commit{Rev: 1, Queued: true})
	cancel()
	cancel()
	if c, ok := <-ch; ok {
		t.Errorf("heard %+v", c)
	}
}

func TestCloseEndsEveryStreamAlsoLaterOnes(t *testing.T) {
	h := New()
	before, _ := h.Subscribe()
	h.Close()
	after, cancel := h.Subscribe()
	defer cancel()
	if _, ok := <-before; ok {
		t.Error("a stream outlived the hub")
	}
	if _, ok := <-after; ok {
		t.Error("a stream began after the hub closed")
	}
}

func TestSubscribingPublishingAndLeavingAtOnce(t *testing.T) {
	h := New()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				_, cancel := h.Subscribe()
				h.Publish(bridge.Commit{Changed: []bridge.ConversationID{1}})
				cancel()
			}
		})
	}
	wg.Wait()
	if n := h.Streams(); n != 0 {
		t.Errorf("%d streams left", n)
	}
}
