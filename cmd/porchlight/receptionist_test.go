package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

func TestTheDocumentationHasTheDemosSecret(t *testing.T) {
	text, err := os.ReadFile("../../docs/receptionist.md")
	if err != nil {
		t.Fatal(err)
	}
	if secret := (&demoBot{key: demoKey}).secret().Reveal(); !strings.Contains(string(text), "`"+secret+"`") {
		t.Errorf("docs/receptionist.md does not have %s", secret)
	}
}

func TestTheSummaryShowsNoSecretOfTheReceptionistsAddress(t *testing.T) {
	if s := (ReceptionistConfig{BotURL: "https://bot.example.com/porchlight?key=hidden"}).summary(); s != "texts by https://bot.example.com/porchlight" {
		t.Error(s)
	}
}

func TestADeliveryIsSentAgainForWhatItWasFor(t *testing.T) {
	path := t.TempDir()
	store, err := data.Open(t.Context(), data.Options{Path: path + "/porchlight.db"})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Write(t.Context(), func(tx *data.Tx) error {
		line, err := tx.PutLine(bridge.Line{Phone: demoOnDuty, Active: true})
		for _, p := range []bridge.Purpose{bridge.ForAlert, bridge.ForRelay} {
			var d bridge.Delivery
			if err == nil {
				d, err = tx.AddDelivery(bridge.Delivery{Purpose: p, Line: line, Channel: bridge.SMS, To: demoOnDuty, Body: "Priya texted", Media: true}, time.Now())
			}
			if err == nil {
				d.State = bridge.Failed
				err = tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, time.Now())
			}
		}
		return err
	})
	if err != nil || store.Close() != nil {
		t.Fatal(err)
	}
	environ := []string{"PORCHLIGHT_STORAGE_PATH=" + path}
	if code, _, stderr := say(commands(), environ, "deliveries", "retry", "2"); code != exitFailure || !strings.Contains(stderr, "a phone on duty") {
		t.Errorf("code %d: %s", code, stderr)
	}
	if code, _, stderr := say(commands(), environ, "deliveries", "retry", "1"); code != exitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if store, err = data.Open(t.Context(), data.Options{Path: path + "/porchlight.db"}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Read(t.Context(), func(tx *data.Tx) error {
		d, err := tx.Delivery(3)
		if d.Purpose != bridge.ForAlert || !d.Media {
			t.Errorf("%+v", d)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWordToTheReceptionistIsNotSentAgainAsAMessage(t *testing.T) {
	path := t.TempDir()
	store, err := data.Open(t.Context(), data.Options{Path: path + "/porchlight.db"})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Write(t.Context(), func(tx *data.Tx) error {
		line, err := tx.PutLine(bridge.Line{Channel: bridge.Webhook, Mailbox: botLine, Active: true})
		if err == nil {
			_, err = tx.AddDelivery(bridge.Delivery{Purpose: bridge.ForBot, Line: line, Channel: bridge.Webhook, To: botLine}, time.Now())
		}
		return err
	})
	if err != nil || store.Close() != nil {
		t.Fatal(err)
	}
	environ := []string{"PORCHLIGHT_STORAGE_PATH=" + path}
	if code, out, _ := say(commands(), environ, "deliveries", "list"); code != exitOK || !strings.Contains(out, " "+botLine+" ") {
		t.Errorf("code %d: %s", code, out)
	}
	if code, _, stderr := say(commands(), environ, "deliveries", "retry", "1"); code != exitFailure || !strings.Contains(stderr, "the AI receptionist") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
