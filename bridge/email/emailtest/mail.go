package emailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"time"
)

// A Mail is one that the server has taken.
type Mail struct {
	ID       int    // counts from 1
	From, To string // of the envelope
	Raw      []byte
	At       time.Time
}

// A Letter is a mail as its reader's program shows it.
type Letter struct {
	Header     mail.Header
	Subject    string // decoded, as are the names in From and To
	From, To   string
	Text, HTML string
}

// Read takes a mail apart. It reads what a sender of ours makes: a text, or a text
// and a page of HTML as alternatives.
func (m Mail) Read() (Letter, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return Letter{}, fmt.Errorf("read mail %d: %w", m.ID, err)
	}
	words := new(mime.WordDecoder)
	l := Letter{Header: msg.Header}
	for to, key := range map[*string]string{&l.Subject: "Subject", &l.From: "From", &l.To: "To"} {
		if *to, err = words.DecodeHeader(msg.Header.Get(key)); err != nil {
			return l, fmt.Errorf("read the %s of mail %d: %w", key, m.ID, err)
		}
	}
	return l, l.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func (l *Letter) part(kind, encoding string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return fmt.Errorf("read content type %q: %w", kind, err)
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the parts: %w", err)
			}
			if err := l.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read the %s part: %w", media, err)
	}
	switch plain := strings.ReplaceAll(string(text), "\r\n", "\n"); media {
	case "text/plain":
		l.Text = plain
	case "text/html":
		l.HTML = plain
	}
	return nil
}

// Certificate makes one for the loopback address, and the pool that trusts it.
func Certificate() (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool, nil
}
