package data_test

import (
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// plainWords is a carrier that says states by their own names.
type plainWords struct{ bridge.Dictionary }

func (plainWords) ReadStatus(s string) (bridge.DeliveryState, bool) {
	return bridge.DeliveryState(s), true
}
func (plainWords) Explain(code string) bridge.Failure { return bridge.Failure{Code: code} }

func TestReceiptThatIsFasterThanTheAnswerForgetsTheErrorBefore(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		d := w.delivery(w.says(bridge.Out, "On our way", noon))
		w.write(func(tx *data.Tx) error { // tried once, refused for now, and on its way again
			was := d.State
			d.State, d.Code, d.Detail, d.Attempts = bridge.Sending, "20429", "Too many requests", 2
			if err := tx.SaveDelivery(d, was, bridge.Failure{}, noon); err != nil {
				return err
			}
			var err error
			d, _, err = tx.ApplyReceipt(d, bridge.Receipt{Token: d.Token, CarrierID: "SM1", Status: string(bridge.Delivered), At: noon.Add(time.Second)}, plainWords{})
			return err
		})
		if d.State != bridge.Delivered || d.Code != "" || d.Detail != "" {
			t.Errorf("%+v", d)
		}
	})
}
