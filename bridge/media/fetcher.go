package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

const (
	// MaxInbound is the largest file that is fetched from a carrier, in bytes.
	MaxInbound = 25 << 20
	// fetchTime bounds one try, lease is what a try has before another node may.
	fetchTime = 90 * time.Second
	lease     = 2 * time.Minute
	// atOnce is how many files are fetched at the same time.
	atOnce = 4
	idle   = time.Minute
)

// waits are the pauses between tries. A carrier may have a file some seconds after
// it told us of it; when its service is down, half a day is worth waiting.
var waits = [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour}

// FetchOptions say where files are fetched from, and as whom.
type FetchOptions struct {
	Store *data.Store
	Shelf *Shelf
	Now   func() time.Time
	// Wake tells of a commit with files to fetch. One waiting signal is enough.
	Wake <-chan struct{}
	// Hosts are scheme and host of the carrier, such as https://api.twilio.com. They
	// alone are asked, and they alone are told user and secret.
	Hosts        []string
	User, Secret string
}

// A Fetcher brings the files of inbound messages from their carrier. Run it once.
type Fetcher struct {
	FetchOptions
	client *http.Client
	hosts  map[string]bool
}

// NewFetcher makes it.
func NewFetcher(o FetchOptions) *Fetcher {
	f := &Fetcher{FetchOptions: o, hosts: map[string]bool{}}
	local := false
	for _, h := range o.Hosts {
		if u, err := url.Parse(h); err == nil && u.Host != "" {
			f.hosts[u.Scheme+"://"+u.Host] = true
			ip, err := netip.ParseAddr(u.Hostname())
			local = local || u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
		}
	}
	f.client = &http.Client{Transport: guarded(local), CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > 5:
			return errors.New("too many redirects")
		case r.URL.Scheme != "https" && !f.hosts[r.URL.Scheme+"://"+r.URL.Host]:
			return errors.New("redirected to an address without https")
		}
		if !f.hosts[r.URL.Scheme+"://"+r.URL.Host] { // net/http would keep it for a sub-domain
			r.Header.Del("Authorization")
		}
		return nil
	}}
	return f
}

// guarded is a transport that reaches public addresses only, so that a redirect
// cannot make us ask a machine of our own network. In tests and in the demo the
// carrier is on this machine, and so is what it redirects to.
func guarded(local bool) *http.Transport {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if ip := at.Addr().Unmap(); !public(ip) && !(local && ip.IsLoopback()) {
			return fmt.Errorf("%s is not a public address", ip)
		}
		return nil
	}}
	return &http.Transport{DialContext: d.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: atOnce,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second}
}

// reserved are the blocks that netip has no word for: carrier-grade NAT, benchmarks,
// the future, and tunnels to IPv4.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"),
}

// global6 is all of IPv6 that belongs to anybody. Other blocks lead to IPv4 addresses,
// private ones too, or are what private networks used before.
var global6 = netip.MustParsePrefix("2000::/3")

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !global6.Contains(ip) {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// Run fetches until ctx ends.
func (f *Fetcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := f.Turn(ctx)
		if err != nil && ctx.Err() == nil {
			slog.Error("files not fetched", "err", err)
			wait = time.Second
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-f.Wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// Turn fetches what is due and says how long nothing more will be.
func (f *Fetcher) Turn(ctx context.Context) (time.Duration, error) {
	for {
		var next time.Time
		err := f.Store.Read(ctx, func(tx *data.Tx) (err error) {
			next, err = tx.NextArriving()
			return err
		})
		if err != nil || next.IsZero() {
			return idle, err
		}
		if wait := next.Sub(f.Now()); wait > 0 {
			return min(wait, idle), nil
		}
		var due []bridge.Attachment
		if err := f.Store.Write(ctx, func(tx *data.Tx) (err error) {
			due, err = tx.ClaimArriving(f.Now(), lease, atOnce)
			return err
		}); err != nil {
			return idle, fmt.Errorf("claim files: %w", err)
		}
		if len(due) == 0 {
			return time.Second, nil // another node was faster
		}
		var all sync.WaitGroup
		errs := make([]error, len(due))
		for i, a := range due {
			all.Go(func() { errs[i] = f.fetch(ctx, a) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return idle, err
		}
	}
}

// fetch makes one try and stores what came of it.
func (f *Fetcher) fetch(ctx context.Context, a bridge.Attachment) error {
	limit, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	got, err := f.bring(limit, a)
	if ctx.Err() != nil {
		return nil // we are stopping; the lease ends, and another try begins
	}
	next := time.Time{}
	switch {
	case err == nil:
		got.State = bridge.Kept
	case final(err) || a.Attempts > len(waits):
		got = a
		got.State, got.Problem, got.Blob, got.Thumb, got.Small = bridge.Gone, problem(err), "", "", ""
		f.Shelf.Drop(ctx, a)
	default:
		got, next = a, f.Now().Add(waits[a.Attempts-1])
	}
	if err != nil {
		slog.Warn("file not fetched from the carrier", "attachment", a.ID, "attempt", a.Attempts, "state", got.State, "err", withoutURL(err))
	}
	return f.Store.Write(ctx, func(tx *data.Tx) error { return tx.Arrived(got, next) })
}

// withoutURL is an error without the address, which names the account.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// A strange address is one that is not the carrier's.
var errStranger = errors.New("the address is not the carrier's")

func final(err error) bool { return errors.Is(err, ErrTooLarge) || errors.Is(err, errStranger) }

func problem(err error) string {
	switch {
	case errors.Is(err, ErrTooLarge):
		return "It is larger than " + bridge.Megabytes(MaxInbound)
	case errors.Is(err, errStranger):
		return "Its address is not the carrier's"
	}
	return "The carrier did not hand it over. Ask them to send it again"
}

// bring loads a file into the blob store and gives its attachment as it is then.
func (f *Fetcher) bring(ctx context.Context, a bridge.Attachment) (bridge.Attachment, error) {
	u, err := url.Parse(a.Source)
	if err != nil || !f.hosts[u.Scheme+"://"+u.Host] {
		return a, errStranger
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Source, nil)
	if err != nil {
		return a, errStranger
	}
	req.SetBasicAuth(f.User, f.Secret)
	res, err := f.client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
		return a, fmt.Errorf("the carrier answered %d", res.StatusCode)
	}
	if res.ContentLength > MaxInbound {
		return a, ErrTooLarge
	}
	t, err := f.Shelf.TakeAnyhow(ctx, a.Name, res.Body, MaxInbound)
	if err != nil {
		return a, err
	}
	defer t.Close()
	got := t.Plan(a)
	return got, f.Shelf.Put(ctx, t, got)
}
