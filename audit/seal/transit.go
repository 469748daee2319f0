// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	kmsTimeout = 10 * time.Second
	kmsAnswer  = 64 << 10 // most bytes of an answer that are read
)

// transit is a key in a KMS with the interface of Vault's transit engine.
type transit struct {
	url, key, token string
	client          *http.Client
}

func newTransit(k *KMS) (*transit, error) {
	pool, err := k.pool()
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return &transit{
		url: strings.TrimSuffix(k.URL, "/"), key: k.Key, token: k.Token,
		client: &http.Client{
			Timeout: kmsTimeout,
			// The token is for this address alone.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
				TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			},
		},
	}, nil
}

func (t *transit) Wrap(ctx context.Context, key []byte) ([]byte, error) {
	var out struct {
		Data struct {
			Ciphertext string `json:"ciphertext"`
		} `json:"data"`
	}
	err := t.ask(ctx, "encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(key)}, &out)
	if err == nil && out.Data.Ciphertext == "" {
		err = errors.New("kms: the answer has no ciphertext")
	}
	return []byte(out.Data.Ciphertext), err
}

func (t *transit) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	var out struct {
		Data struct {
			Plaintext string `json:"plaintext"`
		} `json:"data"`
	}
	if err := t.ask(ctx, "decrypt", map[string]string{"ciphertext": string(wrapped)}, &out); err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(out.Data.Plaintext)
	if err != nil || len(key) != keySize {
		return nil, errors.New("kms: the answer holds no key of 32 bytes")
	}
	return key, nil
}

// ask sends one request. No error holds the token or a key.
func (t *transit) ask(ctx context.Context, verb string, question map[string]string, into any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/"+verb+"/"+t.key, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Token", t.token)
	answer, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("kms: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, kmsAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("kms: %w", err)
	case answer.StatusCode == http.StatusBadRequest && verb == "decrypt":
		return fmt.Errorf("%w: the service cannot decrypt what it wraps", ErrMaster)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("kms: status %d", answer.StatusCode)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("kms: the answer is not what was asked for")
	}
	return nil
}
