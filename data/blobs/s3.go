package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"porchlight/bridge"
)

// S3Options say which bucket, and as whom.
type S3Options struct {
	Endpoint  string // https://s3.example.com, without a path
	Bucket    string
	Region    string // empty: us-east-1, which most that are not Amazon's take
	AccessKey string
	SecretKey string
	// PathStyle puts the bucket into the path and not into the host name.
	PathStyle bool
	// Prefix stands before each key, such as "porchlight/".
	Prefix string
}

// S3 keeps blobs as objects of one bucket, which must exist. Only four requests are
// needed, so they are made here; minio-go's client, which signs them, would make the
// program 2.6 MB larger.
type S3 struct {
	S3Options
	base   *url.URL // of the bucket
	client *http.Client
}

var _ bridge.Blobs = (*S3)(nil)

// OpenS3 checks the options without calling anybody. Its errors are *bridge.Invalid.
func OpenS3(o S3Options) (*S3, error) {
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/":
		return nil, &bridge.Invalid{Field: "endpoint", Problem: "write scheme and host of the storage, such as https://s3.example.com"}
	case o.Bucket == "":
		return nil, &bridge.Invalid{Field: "bucket", Problem: "name the bucket"}
	case o.AccessKey == "" || o.SecretKey == "":
		return nil, &bridge.Invalid{Field: "access_key", Problem: "give the access key and the secret key"}
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	base := &url.URL{Scheme: u.Scheme, Host: o.Bucket + "." + u.Host, Path: "/"}
	if o.PathStyle {
		base.Host, base.Path = u.Host, "/"+o.Bucket+"/"
	}
	return &S3{o, base, &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
	}}}, nil
}

// tries is how often a request is made while the storage is busy.
const tries = 4

// A request is one that can be made again.
type request struct {
	method, key, span string
	body              io.ReadSeeker
	size              int64
	sum               string // SHA-256 of the body
}

// emptySum is the SHA-256 of nothing.
const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// do makes a request, again after a while where the storage says that it is busy.
func (s *S3) do(ctx context.Context, q request) (*http.Response, error) {
	for try := 1; ; try++ {
		res, err := s.once(ctx, q)
		if err == nil && res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests || try == tries || ctx.Err() != nil {
			return s.judge(res, err)
		}
		if err == nil {
			res.Body.Close()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond << try):
		}
	}
}

func (s *S3) once(ctx context.Context, q request) (*http.Response, error) {
	var body io.Reader
	if q.body != nil {
		if _, err := q.body.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		body = io.NopCloser(io.LimitReader(patient{ctx, q.body}, q.size)) // the transport must not close it
	}
	req, err := http.NewRequestWithContext(ctx, q.method, s.base.JoinPath(q.key).String(), body)
	if err != nil {
		return nil, err
	}
	if req.ContentLength = q.size; q.size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("X-Amz-Content-Sha256", q.sum)
	if q.span != "" {
		req.Header.Set("Range", q.span)
	}
	return s.client.Do(signer.SignV4(*req, s.AccessKey, s.SecretKey, "", s.Region))
}

var codePattern = regexp.MustCompile(`<Code>(\w+)</Code>`)

// judge makes an answer that is no success an error, with the storage's own word.
func (s *S3) judge(res *http.Response, err error) (*http.Response, error) {
	if err != nil || res.StatusCode < 300 {
		return res, err
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // a part of it says enough
	code := ""
	if m := codePattern.FindSubmatch(text); m != nil {
		code = string(m[1])
	}
	if res.StatusCode == http.StatusNotFound && code != "NoSuchBucket" {
		return nil, bridge.ErrNotFound
	}
	return nil, fmt.Errorf("the storage answered %d %s", res.StatusCode, code)
}

// Put sends the bytes as they are read. An object appears whole or not at all.
func (s *S3) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if !bridge.ValidBlobKey(key) {
		return fmt.Errorf("keep file: %q is not a key", key)
	}
	body, ok := r.(io.ReadSeeker)
	if !ok {
		return errors.New("keep file: the storage wants to know what it gets, so it is read twice")
	}
	sum := sha256.New()
	if n, err := io.Copy(sum, patient{ctx, body}); err != nil || n != size {
		return fmt.Errorf("keep file: %d bytes of %d: %w", n, size, errors.Join(err, io.ErrUnexpectedEOF))
	}
	res, err := s.do(ctx, request{method: http.MethodPut, key: s.Prefix + key, body: body, size: size, sum: hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return res.Body.Close()
}

// Open asks for the object's size; what is read is fetched from where the reader is.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if !bridge.ValidBlobKey(key) {
		return nil, bridge.ErrNotFound
	}
	res, err := s.do(ctx, request{method: http.MethodHead, key: s.Prefix + key, sum: emptySum})
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	res.Body.Close()
	return &object{s: s, ctx: ctx, key: s.Prefix + key, size: res.ContentLength}, nil
}

// Delete removes an object; one that is not there is fine.
func (s *S3) Delete(ctx context.Context, key string) error {
	if !bridge.ValidBlobKey(key) {
		return nil
	}
	res, err := s.do(ctx, request{method: http.MethodDelete, key: s.Prefix + key, sum: emptySum})
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	} else if err != nil {
		return fmt.Errorf("delete file: %w", err)
	}
	return res.Body.Close()
}

// Check looks for the bucket, so that a wrong setting shows before the first file.
func (s *S3) Check(ctx context.Context) error {
	res, err := s.do(ctx, request{method: http.MethodHead, sum: emptySum})
	if err != nil {
		return fmt.Errorf("look for the bucket %s: %w", s.Bucket, err)
	}
	return res.Body.Close()
}

// An object is read from where its reader is.
type object struct {
	s        *S3
	ctx      context.Context // of Open: reading ends with it
	key      string
	at, size int64
	body     io.ReadCloser // from at on, nil before the first read
}

func (o *object) Read(b []byte) (int, error) {
	if o.at >= o.size {
		return 0, io.EOF
	}
	if o.body == nil {
		res, err := o.s.do(o.ctx, request{method: http.MethodGet, key: o.key, span: fmt.Sprintf("bytes=%d-", o.at), sum: emptySum})
		if err != nil {
			return 0, err
		}
		if o.at > 0 && res.StatusCode != http.StatusPartialContent {
			res.Body.Close()
			return 0, errors.New("the storage does not read from the middle of a file")
		}
		o.body = res.Body
	}
	n, err := o.body.Read(b)
	if o.at += int64(n); errors.Is(err, io.EOF) && o.at < o.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of a file")
	}
	if offset == o.at {
		return offset, nil
	}
	o.at = offset
	return offset, o.Close()
}

func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	err := o.body.Close()
	o.body = nil
	return err
}
