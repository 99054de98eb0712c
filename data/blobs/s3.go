package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

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

// S3 keeps blobs as objects of one bucket, which must exist.
type S3 struct {
	client         *minio.Client
	bucket, prefix string
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
	look := minio.BucketLookupDNS
	if o.PathStyle {
		look = minio.BucketLookupPath
	}
	region := o.Region
	if region == "" {
		region = "us-east-1" // given, so that nobody is asked for it before each first call
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: u.Scheme == "https", Region: region, BucketLookup: look,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		},
		MaxRetries: 3,
	})
	if err != nil {
		return nil, &bridge.Invalid{Field: "endpoint", Problem: err.Error()}
	}
	return &S3{client, o.Bucket, o.Prefix}, nil
}

// Put sends the bytes as they are read. An object appears whole or not at all.
func (s *S3) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if !bridge.ValidBlobKey(key) {
		return fmt.Errorf("keep file: %q is not a key", key)
	}
	_, err := s.client.PutObject(ctx, s.bucket, s.prefix+key, r, size, minio.PutObjectOptions{
		// Parts would need five times the memory; a file has at most 100 MB.
		DisableMultipart: true, ContentType: "application/octet-stream",
	})
	if err != nil {
		return fmt.Errorf("keep file: %w", plain(err))
	}
	return nil
}

// Open asks for the object; what is read is fetched from where the reader is.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if !bridge.ValidBlobKey(key) {
		return nil, bridge.ErrNotFound
	}
	o, err := s.client.GetObject(ctx, s.bucket, s.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("open file: %w", plain(err))
	}
	if _, err := o.Stat(); err != nil { // GetObject itself asks nobody
		return nil, errors.Join(fmt.Errorf("open file: %w", plain(err)), o.Close())
	}
	return o, nil
}

// Delete removes an object; one that is not there is fine.
func (s *S3) Delete(ctx context.Context, key string) error {
	if !bridge.ValidBlobKey(key) {
		return nil
	}
	if err := plain(s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})); err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return fmt.Errorf("delete file: %w", err)
	}
	return nil
}

// Check looks for the bucket, so that a wrong setting shows before the first file.
func (s *S3) Check(ctx context.Context) error {
	ok, err := s.client.BucketExists(ctx, s.bucket)
	if err == nil && !ok {
		return fmt.Errorf("there is no bucket %s, or the key may not see it", s.bucket)
	}
	return err
}

// plain makes the storage's own words for what is not there our own.
func plain(err error) error {
	switch minio.ToErrorResponse(err).Code {
	case "NoSuchKey", "NotFound":
		return bridge.ErrNotFound
	}
	return err
}
