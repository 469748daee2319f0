// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"durward"
	"durward/audit"
	"durward/audit/line"
)

// webhook posts signed batches, as Standard Webhooks 1.0.0 says. The id names
// the export and the records, so it is the same when a batch is sent again.
type webhook struct {
	*poster
	name string
	key  []byte
	now  func() time.Time
	body []byte
}

func newWebhook(cfg *audit.Export) (*webhook, error) {
	key, ok := cfg.WebhookKey()
	if !ok {
		return nil, errors.New("the secret is none")
	}
	p, err := newPoster(cfg.URL, cfg.CA)
	if err != nil {
		return nil, err
	}
	return &webhook{poster: p, name: cfg.Name, key: key, now: time.Now}, nil
}

func (t *webhook) send(ctx context.Context, b *batch) error {
	now := t.now()
	t.body = appendWebhook(t.body[:0], t.name, b, now)
	id := "audit-" + t.name + "-" + strconv.FormatUint(b.first, 10) + "-" + strconv.FormatUint(b.last, 10)
	at := strconv.FormatInt(now.Unix(), 10)
	_, err := t.post(ctx, t.body, map[string]string{
		"Webhook-Id": id, "Webhook-Timestamp": at, "Webhook-Signature": "v1," + sign(t.key, id, at, t.body),
	})
	return err
}

// sign signs "id.timestamp.body".
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func appendWebhook(dst []byte, name string, b *batch, now time.Time) []byte {
	dst = append(dst, `{"type":"durward.audit.records","timestamp":"`...)
	dst = now.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","data":{"export":`...)
	dst = durward.AppendString(dst, name)
	dst = append(dst, `,"first":`...)
	dst = strconv.AppendUint(dst, b.first, 10)
	dst = append(dst, `,"last":`...)
	dst = strconv.AppendUint(dst, b.last, 10)
	dst = append(dst, `,"records":[`...)
	for i, text := range b.lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, text)
	}
	return append(dst, `]}}`...)
}

// appendJSON appends a line as the object that it is, or as a string when it is
// none.
func appendJSON(dst, text []byte) []byte {
	if _, ok := line.Parse(text); !ok || !validJSON(text) {
		return durward.AppendString(dst, string(text))
	}
	return append(dst, text...)
}
