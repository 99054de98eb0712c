package sms

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfterIsReadInBothFormsUpToAnHour(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-3": 0, "86400": time.Hour, "soon": 0,
		"Sun, 22 Nov 2026 05:00:30 GMT": 30 * time.Second,
		"Sun, 22 Nov 2026 04:00:00 GMT": 0,
		"Mon, 23 Nov 2026 05:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}
