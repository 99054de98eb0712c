package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
)

// read gives a form of parts, each so often, to ReadUpload.
func read(t *testing.T, head, part string, times int, take func(string, io.Reader) error) (*gin.Context, error) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	body := io.MultiReader(strings.NewReader(head), strings.NewReader(strings.Repeat(part, times)), strings.NewReader("--x--\r\n"))
	c.Request = httptest.NewRequest(http.MethodPost, "/portal/c/1/files", body)
	c.Request.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	return c, ReadUpload(c, 2<<30, take)
}

func TestAFormOfManyEmptyFieldsIsRefusedBeforeItTakesMemory(t *testing.T) {
	none := func(string, io.Reader) error { return errors.New("there is no file in it") }
	for name, part := range map[string]string{
		"empty":      "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n",
		"long names": "--x\r\nContent-Disposition: form-data; name=\"" + strings.Repeat("a", 4000) + "\"\r\n\r\n\r\n",
	} {
		c, err := read(t, "", part, 10_000, none)
		var denied *bridge.Denied
		if !errors.As(err, &denied) {
			t.Errorf("%s: %v", name, err)
		}
		n := 0
		for _, values := range c.Request.PostForm {
			n += len(values)
		}
		if n > maxFields/eachField {
			t.Errorf("%s: %d fields were kept", name, n)
		}
	}
}

func TestAnEmptyPickerAndTheFieldsOfAMessageAreRead(t *testing.T) {
	took := 0
	c, err := read(t, "--x\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nSee\r\n--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\"\r\n\r\n\r\n",
		"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.jpg\"\r\n\r\nabc\r\n", 2, func(_ string, r io.Reader) error {
			took++
			_, err := io.Copy(io.Discard, r)
			return err
		})
	if err != nil || took != 2 || c.Request.PostForm.Get("body") != "See" || len(c.Request.PostForm) != 1 {
		t.Errorf("%d files, %v, %v", took, c.Request.PostForm, err)
	}
}
