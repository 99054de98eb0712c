package bridge

import "testing"

// TestReceiptsOverAllPairs fixes what every receipt does in every state. A dot is
// ignored, ! is a conflict, anything else is the state that follows.
func TestReceiptsOverAllPairs(t *testing.T) {
	want := map[DeliveryState]map[DeliveryState]string{
		Queued:      {Sent: "sent", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
		Sending:     {Sent: "sent", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
		Unknown:     {Sent: "sent", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
		Sent:        {Sent: ".", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
		Delivered:   {Sent: ".", Delivered: ".", Undelivered: "!", Failed: "!", Read: "read"},
		Undelivered: {Sent: ".", Delivered: "!", Undelivered: ".", Failed: "!", Read: "!"},
		Failed:      {Sent: ".", Delivered: "!", Undelivered: "!", Failed: ".", Read: "!"},
		Read:        {Sent: ".", Delivered: ".", Undelivered: ".", Failed: ".", Read: "."},
		Canceled:    {Sent: "sent", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
		Expired:     {Sent: "sent", Delivered: "delivered", Undelivered: "undelivered", Failed: "failed", Read: "read"},
	}
	for _, from := range DeliveryStates {
		for _, to := range DeliveryStates {
			expect := "."
			if m, ok := want[from][to]; ok {
				expect = m
			}
			got, step := from.ByReceipt(to)
			switch expect {
			case ".":
				if got != from || step != Ignored {
					t.Errorf("%s, receipt %s: %s %s, want it ignored", from, to, got, step)
				}
			case "!":
				if got != from || step != Conflict {
					t.Errorf("%s, receipt %s: %s %s, want a conflict", from, to, got, step)
				}
			default:
				if got != DeliveryState(expect) || step != Moved {
					t.Errorf("%s, receipt %s: %s %s, want %s", from, to, got, step, expect)
				}
			}
		}
	}
}

func TestOutcomesOverAllPairs(t *testing.T) {
	next := map[OutcomeKind]DeliveryState{Accepted: Sent, Refused: Failed, Retry: Queued, Lost: Unknown}
	for _, from := range DeliveryStates {
		for _, k := range []OutcomeKind{Accepted, Refused, Retry, Lost, "nonsense", ""} {
			got, step := from.ByOutcome(k)
			to, known := next[k]
			switch {
			case known && (from == Sending || from == Unknown && k != Lost):
				if got != to || step != Moved {
					t.Errorf("%s, answer %s: %s %s, want %s", from, k, got, step, to)
				}
			default:
				if got != from || step != Ignored {
					t.Errorf("%s, answer %s: %s %s, want it ignored", from, k, got, step)
				}
			}
		}
	}
}

// TestAnyOrderOfReceiptsEndsInTheSameState plays every order of what a carrier
// says of one delivered text, with repeats.
func TestAnyOrderOfReceiptsEndsInTheSameState(t *testing.T) {
	for _, set := range [][]DeliveryState{{Sent, Delivered}, {Sent, Undelivered}, {Sent, Failed}, {Sent, Delivered, Read}, {Sent, Sent, Delivered, Delivered}} {
		var ends = map[DeliveryState]bool{}
		permute(set, func(order []DeliveryState) {
			s := Sending
			for _, to := range order {
				before := s
				s, _ = s.ByReceipt(to)
				if s.rank() < before.rank() {
					t.Fatalf("%v: went back from %s to %s", order, before, s)
				}
			}
			ends[s] = true
		})
		if len(ends) != 1 {
			t.Errorf("%v ends in %v, depending on the order", set, ends)
		}
	}
}

func permute(s []DeliveryState, visit func([]DeliveryState)) {
	var rec func(int)
	rec = func(i int) {
		if i == len(s) {
			visit(s)
			return
		}
		for j := i; j < len(s); j++ {
			s[i], s[j] = s[j], s[i]
			rec(i + 1)
			s[i], s[j] = s[j], s[i]
		}
	}
	rec(0)
}

func TestEachStateIsEitherPendingOrSettled(t *testing.T) {
	for _, s := range DeliveryStates {
		if s.Pending() == s.Settled() {
			t.Errorf("%s: pending %t, settled %t", s, s.Pending(), s.Settled())
		}
		if s.CanClaim() && !s.CanExpire() || s.CanClaim() && !s.Pending() {
			t.Errorf("%s can be claimed but not expire, or is not pending", s)
		}
		if s.CanRetry() && s != Unknown && !s.Failure() {
			t.Errorf("%s may be sent again though it did not fail", s)
		}
	}
	if DeliveryState("invented").Pending() || DeliveryState("invented").Settled() {
		t.Error("a state that does not exist is pending or settled")
	}
}
