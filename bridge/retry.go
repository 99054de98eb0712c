package bridge

import "time"

// Backoff is how long to wait before try n+1 of a delivery after n tries failed
// for a temporary reason: 2 s, 8 s, 30 s, 2 min, then every 10 min, until the
// delivery expires.
func Backoff(n int) time.Duration {
	steps := [...]time.Duration{2 * time.Second, 8 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	return steps[min(max(n, 1), len(steps))-1]
}

// KeepTrying is how long a text stays worth sending. A later one would confuse
// more than it helps; a person is told instead.
const KeepTrying = 4 * time.Hour
