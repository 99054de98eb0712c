package data

import "testing"

func TestParametersAreBoundByNumberAndKeepThePlan(t *testing.T) {
	const q = "UPDATE t SET a = $2 WHERE b = $1 AND c > $1"
	for _, tc := range []struct {
		d    *dialect
		want string
	}{
		{&dialect{postgres: true}, q},
		{&dialect{}, "UPDATE t SET a = +?2 WHERE b = +?1 AND c > ?1"},
	} {
		for range 2 { // the second time from memory
			if got := tc.d.sql(q); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		}
	}
}
