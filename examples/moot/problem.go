// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
)

// fault is an error that the caller is told of, as an RFC 9457 problem.
type fault struct {
	status int
	detail string
}

func (f *fault) Error() string { return f.detail }

var (
	notFound  = &fault{http.StatusNotFound, "There is no such thing, or not for you."}
	forbidden = &fault{http.StatusForbidden, "Your role in this space does not allow that."}
	muted     = &fault{http.StatusForbidden, "You are muted in this space."}
	full      = &fault{http.StatusInsufficientStorage, "No more of these can be kept."}
	busy      = &fault{http.StatusServiceUnavailable, "No more streams are served right now."}
)

func invalid(detail string) error  { return &fault{http.StatusBadRequest, detail} }
func conflict(detail string) error { return &fault{http.StatusConflict, detail} }

// problem is the body of every error.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// fail answers with an error. What is not a fault is logged and not told.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault
	if !errors.As(err, &f) {
		a.options.Log.ErrorContext(r.Context(), "internal fault", "method", r.Method, "path", r.URL.Path, "err", err)
		f = &fault{http.StatusInternalServerError, "Something went wrong here."}
	}
	status, detail := f.status, f.detail
	if a.flaws[verboseErrors] && (status == http.StatusBadRequest || status == http.StatusInternalServerError) {
		status = http.StatusInternalServerError
		detail = fmt.Sprintf("%v in %s %s\n%s", err, r.Method, r.URL, debug.Stack())
	}
	data, _ := json.Marshal(problem{"about:blank", http.StatusText(status), status, detail}) // strings and a number
	write(w, status, "application/problem+json", data)
}

func write(w http.ResponseWriter, status int, contentType string, data []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	w.WriteHeader(status)
	_, _ = w.Write(data) // the caller is gone when this fails
}

// answer sends a value as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	write(w, status, "application/json", data)
	return nil
}

// items is the form of every list.
type items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor of what follows
}

// decode reads a JSON body of at most 64 KiB into v. A field that v does not
// have is refused, unless loose.
func decode(w http.ResponseWriter, r *http.Request, v any, loose bool) error {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return &fault{http.StatusUnsupportedMediaType, "Send application/json."}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSON))
	if !loose {
		dec.DisallowUnknownFields()
	}
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF { // not errors.Is: a body that is cut off is a fault
			err = errors.New("more than one value")
			if more != nil {
				err = more
			}
		}
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return &fault{http.StatusRequestEntityTooLarge, "The body is above 64 KiB."}
	case err != nil:
		return invalid("The body is not the JSON that is documented.")
	}
	return nil
}
