package intake_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

// BenchmarkReceive is the write set of one inbound text, from 64 callers who share
// commits, until it is durable. Run it with -benchtime 20000x: the rate settles
// when the log is checkpointed now and then.
func BenchmarkReceive(b *testing.B) {
	const people, callers = 1_000, 64
	s := datatest.SQLite(b, nil)
	if err := s.Write(b.Context(), func(tx *data.Tx) error {
		_, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	in := intake.New(intake.Options{
		Store: s, Now: time.Now, Answerable: sms.Answerable,
		Split: func(t string) []string { return []string{t} }, Segments: func(string) int { return 1 },
	})
	var n atomic.Int64
	b.SetParallelism(callers / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, err := in.Receive(b.Context(), bridge.Inbound{
				Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032x", uint64(i)*0x9e3779b97f4a7c15), From: fmt.Sprintf("+1%010d", 2_000_000_000+i%people),
				To: "+14155550100", Body: "Hello, it is about the boiler again, could you come on Thursday with a new valve?",
				Raw: "MessageSid=SM0000&From=%2B14155550134&Body=Hello", At: time.Now(),
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}
