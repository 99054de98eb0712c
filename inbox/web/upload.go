package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
)

const (
	// eachRead is how long the next bytes of an upload may take, wholeUpload how long
	// all of it: 10 MB over a bad connection of 20 KB a second take nine minutes.
	eachRead    = 30 * time.Second
	wholeUpload = 15 * time.Minute
	// answerTime is what is left for the answer after an upload.
	answerTime = 60 * time.Second
	// maxFields is what the fields beside the files may take together, in bytes, their
	// names included, and with eachField for each: many empty ones take memory, too.
	maxFields = 256 << 10
	eachField = 64
)

// streams reports whether a request's handler reads the form itself, as it comes:
// one with files, to a route for them.
func streams(c *gin.Context) bool {
	path := c.FullPath()
	last := path[strings.LastIndex(path, "/")+1:]
	return c.Request.Method == http.MethodPost && (last == "files" || last == "reply" || last == "message" || path == "/portal/new") && IsMultipart(c.Request)
}

// ReadUpload reads a form with files as it comes: fields can be asked for as of any
// form, and each file goes to take, which reads it or refuses it. most bounds the
// whole request, in bytes. Fields should stand before files. A slow phone has time,
// as long as it goes on sending.
func ReadUpload(c *gin.Context, most int64, take func(name string, r io.Reader) error) error {
	ctrl, end := http.NewResponseController(c.Writer), time.Now().Add(wholeUpload)
	c.Request.Body = http.MaxBytesReader(c.Writer, patient{c.Request.Body, ctrl, end}, most+maxFields)
	defer func() {
		ctrl.SetReadDeadline(time.Now().Add(answerTime)) // best effort: a server in a test has none
		ctrl.SetWriteDeadline(time.Now().Add(answerTime))
	}()
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return &bridge.Invalid{Field: "form", Problem: "The form could not be read"}
	}
	fields, room := url.Values{}, int64(maxFields)
	c.Request.PostForm, c.Request.Form = fields, fields
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return unread(err)
		}
		if p.FileName() == "" {
			b, err := io.ReadAll(io.LimitReader(p, room+1))
			if room -= int64(len(b) + len(p.FormName()) + eachField); err != nil || room < 0 {
				return unread(err)
			}
			if p.FormName() != "files" { // an empty picker of files is sent as well
				fields.Add(p.FormName(), string(b))
			}
			continue
		}
		if err := take(p.FileName(), p); err != nil {
			return unread(err)
		}
	}
}

// unread puts into words that a form broke off or has no end.
func unread(err error) error {
	var large *http.MaxBytesError
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	switch {
	case errors.As(err, &invalid), errors.As(err, &denied):
		return err
	case err == nil, errors.As(err, &large):
		return &bridge.Denied{Code: "file_too_large", Sentence: "That is more than one message takes", Fix: "Send the files one by one, or make them smaller"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &bridge.Invalid{Field: "file", Problem: "The file did not arrive whole. Attach it again"}
	}
	return err
}

// patient gives each read of a body its own time, up to an end.
type patient struct {
	io.ReadCloser
	ctrl *http.ResponseController
	end  time.Time
}

func (p patient) Read(b []byte) (int, error) {
	now := time.Now()
	if now.After(p.end) {
		return 0, io.ErrUnexpectedEOF
	}
	if err := p.ctrl.SetReadDeadline(now.Add(eachRead)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	if err := p.ctrl.SetWriteDeadline(now.Add(eachRead + answerTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.ReadCloser.Read(b)
}

// Still asks again who is signed in, after an upload that took its time: what
// follows must not be done in the name of somebody who was switched off meanwhile.
func (w *Web) Still(c *gin.Context) error {
	p, ok, err := w.session(c)
	if err == nil && !ok {
		err = &bridge.Denied{Code: "signed_out", Sentence: "You are signed out", Fix: "Sign in again; what you wrote is kept on this device"}
	}
	if err == nil {
		c.Set(meKey, p)
	}
	return err
}
