package email_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/email/emailtest"
)

func TestSignedMailIsVerifiedWithTheKeyInDNS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	o := opens(t, emailtest.Options{}, func(o *email.Options) {
		o.DKIM = &email.DKIM{Domain: "example.com", Selector: "porchlight", Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	})
	if out := o.sends(func(n *bridge.Notice) { n.Title = "Größer – " + n.Title }); out.Kind != bridge.Accepted {
		t.Fatalf("%+v", out)
	}
	lookup := func(name string) ([]string, error) {
		if name != "porchlight._domainkey.example.com" {
			return nil, errors.New("no such name")
		}
		return []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)}, nil
	}
	raw := o.server.Mails()[0].Raw
	signatures, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil || len(signatures) != 1 || signatures[0].Err != nil {
		t.Fatalf("%v, %+v\n%s", err, signatures, raw)
	}
	// RFC 8058 section 4: both have to be covered.
	for _, header := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "Subject", "From"} {
		if !slices.Contains(signatures[0].HeaderKeys, header) {
			t.Errorf("%s is not signed", header)
		}
	}
	forged, err := dkim.VerifyWithOptions(bytes.NewReader(bytes.Replace(raw, []byte("Boiler"), []byte("Broken"), 1)), &dkim.VerifyOptions{LookupTXT: lookup})
	if err == nil && (len(forged) == 0 || forged[0].Err == nil) {
		t.Error("a changed mail is verified too")
	}
}
