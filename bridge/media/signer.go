package media

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// A Part is what of a file a signed address gives.
type Part byte

const (
	ForCarrier  Part = 'm' // the picture as a phone is shown it
	ForDownload Part = 'f' // the file itself
)

const (
	// carrierLife is how long a carrier may fetch: Twilio holds a text for up to ten
	// hours and fetches when it leaves.
	carrierLife = 24 * time.Hour
	// linkLife is how long a link in a text works, as long as a portal's.
	linkLife = 30 * 24 * time.Hour
)

// A Signer makes and reads addresses that whoever has them may open for a while.
type Signer struct {
	url string
	now func() time.Time
	key []byte
}

// NewSigner reads the key from the store, or makes it. publicURL has no slash at
// its end.
func NewSigner(ctx context.Context, s *data.Store, publicURL string, now func() time.Time) (*Signer, error) {
	out := &Signer{url: publicURL, now: now}
	err := s.Write(ctx, func(tx *data.Tx) (err error) {
		out.key, err = tx.Secret("media")
		return err
	})
	return out, err
}

// token is the file, the part and the end of its life in minutes, and 16 bytes of
// HMAC-SHA256 over them: 39 characters, so that a text has room for it.
func (s *Signer) token(id bridge.AttachmentID, p Part, until time.Time) string {
	b := append([]byte{byte(p)}, binary.BigEndian.AppendUint32(nil, uint32(until.Unix()/60))...)
	b = binary.AppendUvarint(b, uint64(id))
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...))
}

func (s *Signer) mac(b []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(b)
	return m.Sum(nil)[:16]
}

// Read gives what a token is for: bridge.ErrNotFound where we did not make it,
// bridge.ErrExpired where its time is over.
func (s *Signer) Read(token string) (bridge.AttachmentID, Part, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 5+1+16 || len(b) > 5+10+16 {
		return 0, 0, bridge.ErrNotFound
	}
	body, mac := b[:len(b)-16], b[len(b)-16:]
	id, n := binary.Uvarint(body[5:])
	if !hmac.Equal(mac, s.mac(body)) || n != len(body)-5 {
		return 0, 0, bridge.ErrNotFound
	}
	if until := time.Unix(int64(binary.BigEndian.Uint32(body[1:]))*60, 0); !s.now().Before(until) {
		return 0, 0, bridge.ErrExpired
	}
	return bridge.AttachmentID(id), Part(body[0]), nil
}

// Link is the address at which a person may load a file.
func (s *Signer) Link(a bridge.Attachment) string {
	return s.url + "/media/" + s.token(a.ID, ForDownload, s.now().Add(linkLife))
}

// URLs are the addresses from which a carrier fetches the pictures of a message
// that goes to a phone.
func (s *Signer) URLs(tx *data.Tx, m bridge.MessageID, to string) (urls []string, err error) {
	files, err := tx.FilesOf(m)
	if err != nil {
		return nil, err
	}
	along, _ := bridge.ForText(files, to)
	for _, a := range along {
		urls = append(urls, s.url+"/media/"+s.token(a.ID, ForCarrier, s.now().Add(carrierLife)))
	}
	return urls, nil
}
