package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"porchlight/bridge/email/emailtest"
	"porchlight/bridge/sms/smstest"
)

// TestCommands plays the commands as a person types them, one file for each that
// the README shows.
func TestCommands(t *testing.T) {
	server := emailtest.New(emailtest.Options{Refuse: map[string]emailtest.Fault{
		"nobody@example.com": {Code: 550, Enhanced: [3]int{5, 1, 1}, Text: "no such mailbox"},
	}})
	t.Cleanup(server.Close) // the scripts run beside each other, after this function
	host, port, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	// A configuration cannot be written beforehand: nobody knows the port.
	mail := enoughToServe + fmt.Sprintf("email: {from: office@example.com, host: %s, port: %d, tls: none}\n", host, port)
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		return os.WriteFile(filepath.Join(e.WorkDir, "mail.yaml"), []byte(mail), 0o600)
	}})
}

// TestStoppingDoesNotWaitForConnectionsThatAskedNothing opens one, as browsers do
// beforehand, and stops: net/http alone would wait five seconds.
func TestStoppingDoesNotWaitForConnectionsThatAskedNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	d, p, err := newDemo(ctx, t.TempDir(), "http://"+l.Addr().String(), smstest.Instant)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if r, err := http.Get("http://" + l.Addr().String() + "/healthz"); err != nil { // by now the first is accepted
		t.Fatal(err)
	} else {
		r.Body.Close()
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(4 * time.Second):
		t.Error("it still waits")
	}
}
