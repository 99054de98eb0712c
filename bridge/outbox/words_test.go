package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/outbox"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
)

// The words of what carries a link or a code are made when it leaves.

// secretly gives a text with a secret another one at each attempt.
func secretly(made *[]string) func(*outbox.Options) {
	var mu sync.Mutex
	return func(o *outbox.Options) {
		o.Prepare = func(tx *data.Tx, c data.Claim) (bridge.Outgoing, error) {
			out := c.Outgoing()
			if !c.Unsaid() {
				return out, nil
			}
			mu.Lock()
			defer mu.Unlock()
			*made = append(*made, fmt.Sprintf("https://texts.example.com/m/SECRET%d", len(*made)))
			words := "Brightwater: Sam wrote to you: " + bridge.Secret
			out.Body = strings.ReplaceAll(words, bridge.Secret, (*made)[len(*made)-1])
			return out, tx.SetBody(c.ID, words)
		}
	}
}

func secret(d *bridge.Delivery) { d.Body = bridge.Secret }

func TestALostTextWithALinkIsRecognisedAndNotSentAgain(t *testing.T) {
	eachFirm(t, func(f *firm) {
		var made []string
		f.sim.Script(smstest.Fault{Store: true})
		f.tokens = false
		f.opens(quick, secretly(&made))
		id := f.says(priya, "The key is under the pot", secret)
		f.until("the message is recognised", func() bool { return f.delivery(id).CarrierID != "" })
		f.until("it is settled", func() bool { return f.delivery(id).State.Settled() })
		f.tried(id, bridge.Lost)
		f.once(id)
		if body := f.bodies()[0]; !strings.HasSuffix(body, "SECRET0") || strings.Contains(f.delivery(id).Body, "SECRET") {
			f.Errorf("sent %q, stored %q", body, f.delivery(id).Body)
		}
	})
}

func TestEachAttemptHasALinkOfItsOwn(t *testing.T) {
	eachFirm(t, func(f *firm) {
		var made []string
		f.opens(secretly(&made))
		id := f.says(busy, "The key is under the pot", secret)
		for n, wait := range []time.Duration{2 * time.Second, 8 * time.Second} {
			f.until("the attempt is refused", func() bool { return len(f.outcomes(id)) == n+1 && f.delivery(id).State == bridge.Queued })
			f.later(wait)
		}
		f.becomes(id, bridge.Delivered)
		if len(made) != 3 || !strings.HasSuffix(f.bodies()[0], "SECRET2") {
			f.Errorf("%q: %q", made, f.bodies())
		}
	})
}

// TestWordsThatCannotBeMadeHoldUpNothing: neither other deliveries, nor the commit that
// queued them, nor what a panic leaves behind.
func TestWordsThatCannotBeMadeHoldUpNothing(t *testing.T) {
	for name, fail := range map[string]func(*data.Tx) error{
		"an error": func(*data.Tx) error { return errors.New("no") },
		"a statement that fails": func(tx *data.Tx) error {
			_, err := tx.AddDelivery(bridge.Delivery{Line: 4711, Message: 4711, Channel: bridge.SMS, To: priya}, time.Now())
			return err
		},
		"a context that ends": func(*data.Tx) error { return context.Canceled },
		"a panic":             func(*data.Tx) error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			eachFirm(t, func(f *firm) {
				f.opens(func(o *outbox.Options) {
					o.Prepare = func(tx *data.Tx, c data.Claim) (bridge.Outgoing, error) {
						if c.Unsaid() {
							if err := tx.SetBody(c.ID, "half"); err != nil {
								return bridge.Outgoing{}, err
							}
							return bridge.Outgoing{}, fail(tx)
						}
						return c.Outgoing(), nil
					}
				})
				bad := f.says(alex, "x", secret)
				for range 3 {
					f.becomes(f.says(priya, "On our way"), bridge.Delivered)
				}
				f.until("it waits for another try", func() bool { d := f.delivery(bad); return d.State == bridge.Queued && d.Attempts > 0 })
				if d := f.delivery(bad); d.Body != bridge.Secret || d.Code != "prepare" {
					f.Errorf("%+v", d)
				}
				f.tried(bad, bridge.Retry)
			})
		})
	}
}
