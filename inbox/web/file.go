package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
)

// A Part is what of a file is served.
type Part int

const (
	Whole Part = iota // the file itself
	Thumb             // the picture that pages show
	Small             // the picture as a carrier is given it
)

// served are the content types that are said as they are. All else is a stream of
// bytes, which no browser opens.
var served = map[string]bool{
	"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true, "image/heic": true, "application/pdf": true,
	"text/plain; charset=utf-8": true, "text/csv; charset=utf-8": true, "application/msword": true, "application/vnd.ms-excel": true,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": true,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       true,
}

// of gives the key and content type of a part. A picture that has no small one is
// its own.
func (p Part) of(a bridge.Attachment) (key, contentType string) {
	switch {
	case p == Thumb && a.Thumb != "":
		return a.Thumb, "image/jpeg"
	case p == Small && a.Small != "":
		return a.Small, "image/jpeg"
	case p == Whole || a.Image():
		return a.Blob, a.ContentType
	}
	return "", ""
}

// ServeFile answers with a file that the caller knows its reader may have. Pictures
// show in the page, all else is saved; nothing of it runs or loads anything. An
// address always means the same bytes, so the browser keeps them.
func (w *Web) ServeFile(c *gin.Context, a bridge.Attachment, p Part) error {
	key, contentType := p.of(a)
	if key == "" || a.State != bridge.Kept || w.Blobs == nil {
		return bridge.ErrNotFound
	}
	if !served[contentType] {
		contentType = "application/octet-stream"
	}
	name, how := a.Name, "attachment"
	if strings.HasPrefix(contentType, "image/") && contentType != "image/heic" {
		how = "inline"
	}
	if p == Small { // carriers take twenty plain characters at most
		name = fmt.Sprintf("photo%d.%s", a.N+1, strings.TrimPrefix(contentType, "image/"))
	}
	h := c.Writer.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", disposition(how, name))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", fmt.Sprintf(`"%d-%d"`, a.ID, p))
	r, err := w.Blobs.Open(c.Request.Context(), key)
	if err != nil {
		for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control", "ETag"} {
			h.Del(name) // they are not those of the answer that follows
		}
		return err
	}
	defer r.Close()
	http.ServeContent(slowly{c.Writer, http.NewResponseController(c.Writer)}, c.Request, "", time.Time{}, r)
	return nil
}

// disposition names a file for the browser that saves it: in ASCII for old ones,
// and as it is (RFC 6266, RFC 5987).
func disposition(how, name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	out := how + `; filename="` + ascii + `"`
	if ascii != name {
		out += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return out
}

// slowly gives each write its own time, so that a slow phone gets a large file,
// and one that has stopped reading is let go.
type slowly struct {
	http.ResponseWriter
	ctrl *http.ResponseController
}

const eachWrite = 30 * time.Second

func (s slowly) Write(b []byte) (int, error) {
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(eachWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.ResponseWriter.Write(b)
}

// Media serves what a signed address is for, to carriers and customers. Who has the
// address is not asked for anything else.
func (w *Web) Media(c *gin.Context) {
	err := w.media(c)
	if err == nil || c.Writer.Written() {
		return
	}
	t := Explain(c.Request.Context(), err)
	c.Header("Cache-Control", "no-store")
	c.String(t.Code, "%s", t.Sentence())
}

func (w *Web) media(c *gin.Context) error {
	if w.Signed == nil {
		return bridge.ErrNotFound
	}
	id, p, err := w.Signed(c.Param("token"))
	if err != nil {
		return err
	}
	var a bridge.Attachment
	err = w.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		a, err = tx.Attachment(id)
		return err
	})
	if err != nil {
		return err
	}
	c.Header("Referrer-Policy", "no-referrer")
	return w.ServeFile(c, a, p)
}

// IsMultipart reports whether a request is a form with files.
func IsMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data"
}
