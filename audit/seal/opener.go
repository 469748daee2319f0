// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"durward"
)

// Errors of an Opener.
var (
	// ErrErased says that the key of a record was destroyed: nobody can read its
	// personal fields any more.
	ErrErased = errors.New("the key was erased")
	// ErrWithheld says that the personal fields were never stored.
	ErrWithheld = errors.New("the personal fields were withheld, because they could not be sealed")
	// ErrChanged says that the sealed text is not what was written.
	ErrChanged = errors.New("the sealed text was changed")
)

// maxOpened bounds the keys that an Opener keeps at hand.
const maxOpened = 4096

// Opener reads sealed records, makes the tags that they are found by, and
// destroys keys. It is for those who hold the master key, and safe for concurrent
// use.
type Opener struct {
	keys *keysFile

	mu    sync.Mutex
	used  map[string]cipher.AEAD // by tag and salt
	asked map[string]askedTag    // by kind and value
}

type askedTag struct {
	tag string
	at  time.Time
}

// OpenKeys opens an existing keys file.
func OpenKeys(ctx context.Context, cfg Config) (*Opener, error) {
	master, err := cfg.master()
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(ctx, cfg.Keys, master, false)
	if err != nil {
		return nil, err
	}
	return &Opener{keys: keys, used: map[string]cipher.AEAD{}, asked: map[string]askedTag{}}, nil
}

// Close closes the keys file.
func (o *Opener) Close() error { return o.keys.close() }

// Hash gives the tag by which the records of a subject, address or credential name
// it: the member "who", "from" or "credential". It is "" when there is no key of it: it never called, or
// was erased.
// An answer is kept for a second, as a search asks for each record.
func (o *Opener) Hash(kind, value string) string {
	id, now := kind+"\x00"+value, time.Now()
	o.mu.Lock()
	known, ok := o.asked[id]
	o.mu.Unlock()
	if ok && now.Sub(known.at) < time.Second {
		return known.tag
	}
	tag, err := o.Tag(context.Background(), kind, value)
	if err != nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.asked) >= maxOpened {
		clear(o.asked)
	}
	o.asked[id] = askedTag{tag, now}
	return tag
}

// Tag is Hash with the reason why it could not be looked up.
func (o *Opener) Tag(ctx context.Context, kind, value string) (string, error) {
	hash, err := o.hash(kind, value)
	if err != nil {
		return "", err
	}
	d, err := o.keys.find(ctx, hash)
	if err != nil || d == nil {
		return "", err
	}
	return encoding.EncodeToString([]byte(d.tag)), nil
}

func (o *Opener) hash(kind, value string) ([]byte, error) {
	if kind == KindAddress {
		a, err := netip.ParseAddr(value)
		if err != nil {
			return nil, fmt.Errorf("not an address: %w", err)
		}
		value = network(a).String()
	}
	return keyed(o.keys.index, kind, value), nil
}

// Erase destroys the key of a subject or address, and gives its tag; "" when
// there is none. A gateway that runs forgets it within a second.
func (o *Opener) Erase(ctx context.Context, kind, value string) (tag string, err error) {
	hash, err := o.hash(kind, value)
	if err != nil {
		return "", err
	}
	tag, err = o.keys.erase(ctx, kind, hash)
	if tag == "" || err != nil {
		return "", err
	}
	o.mu.Lock()
	clear(o.used)
	clear(o.asked)
	o.mu.Unlock()
	return encoding.EncodeToString([]byte(tag)), nil
}

// Rekey puts another master key in place of the one in cfg. The gateway that runs
// is not disturbed; its next start needs the new one.
func Rekey(ctx context.Context, cfg, next Config) error {
	from, err := cfg.master()
	if err != nil {
		return err
	}
	to, err := next.master()
	if err != nil {
		return err
	}
	keys, err := openKeys(ctx, cfg.Keys, from, false)
	if err != nil {
		return err
	}
	defer keys.close()
	return keys.rekey(ctx, from, to)
}

// personal is what is sealed.
type personal struct {
	Subject    string            `json:"subject"`
	Same       bool              `json:"same"` // the consumer is the subject
	Credential string            `json:"credential"`
	Client     netip.Addr        `json:"client"`
	Peer       netip.AddrPort    `json:"peer"`
	UserAgent  string            `json:"user_agent"`
	Path       string            `json:"path"`
	Object     []string          `json:"object"` // names and values
	Reason     string            `json:"reason"`
	Steps      map[string]string `json:"steps"`
}

// Open puts the personal fields of a record back. One that is not sealed stays as
// it is. The error is ErrErased, ErrWithheld or ErrChanged, or that of the keys
// file.
func (o *Opener) Open(ctx context.Context, ev *durward.Event) error {
	switch ev.Sealed {
	case "":
		if ev.Admin != nil {
			return o.openAction(ctx, ev)
		}
		return nil
	case Withheld:
		return ErrWithheld
	}
	tag := ev.Who
	if tag == "" {
		tag = ev.From
	}
	plain, err := o.openText(ctx, tag, ev.Sealed, bound(nil, ev))
	if err != nil {
		return err
	}
	var p personal
	if err := json.Unmarshal(plain, &p); err != nil {
		return ErrChanged
	}
	p.into(ev)
	return nil
}

// openText opens a text that is sealed with the key that has a tag.
func (o *Opener) openText(ctx context.Context, tag, sealed string, bound []byte) ([]byte, error) {
	raw, err := encoding.DecodeString(sealed)
	if err != nil || len(raw) < headSize {
		return nil, ErrChanged
	}
	aead, err := o.aead(ctx, tag, raw[:saltSize])
	if err != nil {
		return nil, err
	}
	var nonce [12]byte
	copy(nonce[4:], raw[saltSize:headSize])
	plain, err := aead.Open(nil, nonce[:], raw[headSize:], bound)
	if err != nil {
		return nil, ErrChanged
	}
	return plain, nil
}

// aead gives the key of a tag and salt.
func (o *Opener) aead(ctx context.Context, tag string, salt []byte) (cipher.AEAD, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := tag + string(salt)
	if a := o.used[id]; a != nil {
		return a, nil
	}
	raw, err := encoding.DecodeString(tag)
	if err != nil {
		return nil, ErrChanged
	}
	d, err := o.keys.byTag(ctx, raw)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, ErrErased
	}
	a, err := d.under(salt)
	if err != nil {
		return nil, err
	}
	if len(o.used) >= maxOpened {
		clear(o.used)
	}
	o.used[id] = a
	return a, nil
}

func (p *personal) into(ev *durward.Event) {
	if p.Subject != "" {
		ev.Subject = p.Subject
	}
	if p.Same {
		ev.Consumer = p.Subject
	}
	if p.Credential != "" {
		ev.Credential = p.Credential
	}
	if p.Client.IsValid() {
		ev.Client = p.Client
	}
	if p.Peer.IsValid() {
		ev.Peer = p.Peer
	}
	if p.UserAgent != "" {
		ev.UserAgent = p.UserAgent
	}
	if p.Path != "" {
		ev.Path = p.Path
	}
	for i := 0; i+1 < len(p.Object); i += 2 {
		at := slices.IndexFunc(ev.Object, func(o durward.Param) bool { return o.Name == p.Object[i] })
		if at < 0 {
			ev.Object, at = append(ev.Object, durward.Param{Name: p.Object[i]}), len(ev.Object)
		}
		ev.Object[at].Value = p.Object[i+1]
	}
	if p.Reason != "" {
		ev.Reason = p.Reason
	}
	for i := range ev.Steps {
		if reason := p.Steps[fmt.Sprint(i)]; reason != "" {
			ev.Steps[i].Err = errors.New(reason)
		}
	}
	ev.Sealed = ""
}
