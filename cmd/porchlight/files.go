package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/media"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/blobs"
	"porchlight/inbox/web"
)

// openBlobs opens where the configuration keeps files: S3-compatible storage if
// there is any, else a folder beside the database.
func openBlobs(cfg Config) (bridge.Blobs, error) {
	if cfg.S3.Endpoint == "" {
		return blobs.OpenFolder(filepath.Join(cfg.Storage.Path, "blobs"))
	}
	s, err := blobs.OpenS3(blobs.S3Options{
		Endpoint: cfg.S3.Endpoint, Bucket: cfg.S3.Bucket, Region: cfg.S3.Region, PathStyle: cfg.S3.PathStyle, Prefix: cfg.S3.Prefix,
		AccessKey: cfg.S3.AccessKey, SecretKey: cfg.S3.SecretKey.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	return s, nil
}

// files are the parts of the program that move the bytes of files.
type files struct {
	blobs   bridge.Blobs
	shelf   *media.Shelf
	signer  *media.Signer
	fetcher *media.Fetcher
	wake    chan struct{} // something is to be fetched
}

// arrived tells the fetcher of a commit with files that a carrier has.
func (f *files) arrived(c bridge.Commit) {
	if c.Arriving {
		wakeUp(f.wake)
	}
}

func (f *files) open(ctx context.Context, cfg Config, store *data.Store) (err error) {
	if f.blobs, err = openBlobs(cfg); err != nil {
		return err
	}
	if f.shelf, err = media.NewShelf(f.blobs, filepath.Join(cfg.Storage.Path, "uploads")); err != nil {
		return err
	}
	if f.signer, err = media.NewSigner(ctx, store, cfg.Server.PublicURL, time.Now); err != nil {
		return fmt.Errorf("prepare signed links: %w", err)
	}
	user := cfg.Twilio.AccountSID
	if cfg.Twilio.APIKeySID != "" {
		user = cfg.Twilio.APIKeySID
	}
	f.fetcher = media.NewFetcher(media.FetchOptions{
		Store: store, Shelf: f.shelf, Now: time.Now, Wake: f.wake, User: user, Secret: carrierSecret(cfg.Twilio),
		Hosts: []string{sms.DefaultBaseURL, cfg.Twilio.BaseURL},
	})
	return nil
}

// signed reads a signed address for the pages.
func (f *files) signed(token string) (bridge.AttachmentID, web.Part, error) {
	id, p, err := f.signer.Read(token)
	if p == media.ForCarrier {
		return id, web.Small, err
	}
	return id, web.Whole, err
}
