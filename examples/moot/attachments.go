// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// fileTypes are the media types that an attachment may have.
var fileTypes = []string{"application/octet-stream", "application/pdf", "image/jpeg", "image/png", "text/plain"}

// upload is a file on its way in.
type upload struct {
	name, mediaType string
	content         []byte
}

// uploadAttachment takes a file as the part "file" of multipart/form-data, or
// as the body itself with its name in the query.
func (a *API) uploadAttachment(w http.ResponseWriter, r *http.Request, c caller) error {
	// Who may not post is refused before the file is read.
	check := func(s *room, _ Role) error { return s.mayPost(c, a.now()) }
	if err := a.read(r, c, Member, check); err != nil {
		return err
	}
	in, err := readUpload(w, r)
	if err != nil {
		return err
	}
	if !slices.Contains(fileTypes, in.mediaType) {
		return &fault{http.StatusUnsupportedMediaType, "Attachments of this type are not kept."}
	}
	if !validFileName(in.name) && !(a.flaws[pathTraversalAttachmentName] && in.name != "") {
		return invalid("That is not a file name.")
	}
	var out Attachment
	err = a.update(r, c, Member, func(s *room, _ Role) error {
		for _, f := range s.attachments {
			if f.Name == in.name {
				return conflict("The space has an attachment of this name.")
			}
		}
		if len(s.attachments) == maxAttachments || a.size+len(in.content) > maxFiles {
			return full
		}
		f := &Attachment{Space: s.ID, Name: in.name, Type: in.mediaType, Uploader: c.id, Created: a.now()}
		a.keep(s, f, in.content)
		out = *f
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}

func readUpload(w http.ResponseWriter, r *http.Request) (upload, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return upload{}, &fault{http.StatusUnsupportedMediaType, "Send multipart/form-data or the file itself."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFile+8<<10) // room for the multipart framing
	if mediaType != "multipart/form-data" {
		content, err := readFile(r.Body)
		return upload{r.URL.Query().Get("name"), mediaType, content}, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return upload{}, invalid("The multipart body cannot be read.")
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return upload{}, invalid("The multipart body has no part named file.")
		}
		if part.FormName() != "file" {
			continue
		}
		in := upload{mediaType: "application/octet-stream"}
		if text := part.Header.Get("Content-Type"); text != "" {
			if in.mediaType, _, err = mime.ParseMediaType(text); err != nil {
				return upload{}, invalid("The part's type cannot be read.")
			}
		}
		// Not part.FileName, which drops folders without a word.
		_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if err != nil {
			return upload{}, invalid("The part's name cannot be read.")
		}
		in.name = params["filename"]
		in.content, err = readFile(part)
		return in, err
	}
}

func readFile(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	var long *http.MaxBytesError
	switch {
	case len(content) > maxFile, errors.As(err, &long):
		return nil, &fault{http.StatusRequestEntityTooLarge, "The file is above 256,000 bytes."}
	case err != nil:
		return nil, invalid("The file did not arrive whole.")
	}
	return content, nil
}

// validFileName says whether a text is ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$.
func validFileName(s string) bool {
	if s == "" || len(s) > 100 || strings.IndexByte(" ._-", s[0]) >= 0 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" ._-", c) >= 0) {
			return false
		}
	}
	return true
}

// getAttachment gives the file itself, never as something a browser would run.
func (a *API) getAttachment(w http.ResponseWriter, r *http.Request, c caller) error {
	var f Attachment
	var content []byte
	err := a.read(r, c, Outsider, func(s *room, _ Role) error {
		found, ok := s.attachments[r.PathValue("attachment")]
		if !ok {
			return notFound
		}
		f, content = *found, a.files[fileKey(s.ID, found.Name)]
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	write(w, http.StatusOK, f.Type, content)
	return nil
}

// deleteAttachment is for uploaders and moderators.
func (a *API) deleteAttachment(w http.ResponseWriter, r *http.Request, c caller) error {
	if a.flaws[bolaDeleteAttachment] {
		c.admin = true
	}
	err := a.update(r, c, Member, func(s *room, role Role) error {
		f, ok := s.attachments[r.PathValue("attachment")]
		if !ok {
			return notFound
		}
		if f.Uploader != c.id && role < Moderator {
			return forbidden
		}
		a.discard(s, f)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
