package intake_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

// The largest import that is promised.
const manyRows = 100_000

func manyContacts(name string) string {
	var b strings.Builder
	b.WriteString("External ID,Name,Company,Side,Phone,Email\n")
	for i := range manyRows {
		fmt.Fprintf(&b, "crm-%d,%s %d,Raman Lettings,tenant,+1415%07d,someone%d@example.com\n", i, name, i, 2_000_000+i, i)
	}
	return b.String()
}

func manyRecords() string {
	var b strings.Builder
	b.WriteString("Type,Reference,Title,Client,Staff\n")
	for i := range manyRows {
		fmt.Fprintf(&b, "job,%d,Boiler replacement,crm-%d,\n", i, i)
	}
	return b.String()
}

// BenchmarkImport takes 100,000 contacts, the same again, all of them changed, and
// 100,000 records with a client each. Run it with -benchtime 1x.
func BenchmarkImport(b *testing.B) {
	contacts, changed, records := manyContacts("Person"), manyContacts("Renamed"), manyRecords()
	engines := map[string]func() data.Options{
		"sqlite":   func() data.Options { return data.Options{Path: b.TempDir() + "/p.db"} },
		"postgres": func() data.Options { return data.Options{Postgres: datatest.Postgres(b)} },
	}
	for name, engine := range engines {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				s, err := data.Open(b.Context(), engine())
				if err != nil {
					b.Fatal(err)
				}
				in := intake.New(intake.Options{Store: s, Now: time.Now, Answerable: sms.Answerable, Region: "US"})
				for _, step := range []struct {
					name, file string
					take       func(context.Context, *intake.Intake, string) (intake.Report, error)
				}{
					{"new", contacts, takeContacts}, {"unchanged", contacts, takeContacts}, {"changed", changed, takeContacts}, {"records", records, takeRecords},
				} {
					peak, stop := peakHeap()
					began := time.Now()
					r, err := step.take(b.Context(), in, step.file)
					stop()
					if err != nil || r.Bad.Total > 0 || r.Rows != manyRows {
						b.Fatalf("%+v %v", r, err)
					}
					b.ReportMetric(time.Since(began).Seconds(), step.name+"-s")
					b.ReportMetric(float64(*peak>>20), step.name+"-MB")
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func takeContacts(ctx context.Context, in *intake.Intake, file string) (intake.Report, error) {
	return in.ImportContacts(ctx, strings.NewReader(file), intake.ImportOptions{})
}

func takeRecords(ctx context.Context, in *intake.Intake, file string) (intake.Report, error) {
	return in.ImportRecords(ctx, strings.NewReader(file), intake.ImportOptions{})
}

// peakHeap looks at the heap every few milliseconds until it is stopped.
func peakHeap() (peak *uint64, stop func()) {
	runtime.GC()
	peak = new(uint64)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapInuse)
			select {
			case <-quit:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return peak, func() { close(quit); <-done }
}
