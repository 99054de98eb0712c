package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

var zippers = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, 5); return z }}

// page collects what a template writes, so that the headers can follow from it.
type page struct {
	http.ResponseWriter
	bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) { return p.Buffer.Write(b) }

// html answers with what render writes, gzipped where the browser takes it: a
// page of the inbox is 28 KB plain and 5.5 KB zipped.
func (w *Web) html(c *gin.Context, code int, render func(http.ResponseWriter) error) error {
	p := &page{ResponseWriter: c.Writer}
	if err := render(p); err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding, X-Fragment")
	if p.Len() < 1024 || !strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
		c.Writer.WriteHeader(code)
		_, err := c.Writer.Write(p.Bytes())
		return ignoreGone(err)
	}
	h.Set("Content-Encoding", "gzip")
	c.Writer.WriteHeader(code)
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(c.Writer)
	if _, err := z.Write(p.Bytes()); err != nil {
		return ignoreGone(err)
	}
	return ignoreGone(z.Close())
}

// ignoreGone drops the error of a browser that has left: the answer has begun,
// and nobody is there to read another.
func ignoreGone(error) error { return nil }
