// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/spec"
)

// samples are small files of common types.
var samples = []call.File{
	{Name: "note.txt", Type: "text/plain", Data: "durward probe\n"},
	{Name: "dot.png", Type: "image/png", Data: "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
		"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"},
	{Name: "dot.jpg", Type: "image/jpeg", Data: "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"},
	{Name: "page.pdf", Type: "application/pdf", Data: "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"},
	{Name: "table.csv", Type: "text/csv", Data: "a,b\n1,2\n"},
	{Name: "data.json", Type: "application/json", Data: "{}"},
	{Name: "data.xml", Type: "application/xml", Data: "<?xml version=\"1.0\"?><data/>"},
	{Name: "clip.mp4", Type: "video/mp4", Data: "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"},
	{Name: "data.bin", Type: "application/octet-stream", Data: "durward probe\n"},
}

// sample is a file of one of the types; try goes through them. None is any type.
func sample(types []string, try int) call.File {
	var fit []call.File
	for _, s := range samples {
		if slices.ContainsFunc(types, func(t string) bool {
			t = strings.TrimSpace(t)
			return t == s.Type || t == "*/*" || strings.HasSuffix(t, "/*") && strings.HasPrefix(s.Type, t[:len(t)-1])
		}) {
			fit = append(fit, s)
		}
	}
	if len(types) == 0 {
		fit = samples
	}
	if len(fit) == 0 {
		return call.File{Name: "data.bin", Type: strings.TrimSpace(types[0]), Data: "durward probe\n"}
	}
	return fit[try%len(fit)]
}

// file makes the file of a part of multipart; ok is false where the part is none.
func (m *maker) file(s *spec.Schema, name string) (f call.File, ok bool) {
	if m.media == nil || !strings.HasPrefix(m.media.Type, "multipart/") || s == nil {
		return f, false
	}
	p := plain(name)
	binary := s.Format == "binary" || s.Format == "byte" || slices.Contains([]string{"file", "image", "photo", "picture", "avatar", "upload", "document", "attachment", "video", "video_file"}, p)
	var types []string
	if e, had := m.media.Encoding[name]; had && e.Type != "" {
		types = strings.Split(e.Type, ",")
		binary = binary || !strings.Contains(e.Type, "json") && !strings.Contains(e.Type, "text/plain") || len(types) > 1
	}
	if !binary {
		return f, false
	}
	if len(types) == 0 {
		switch {
		case strings.Contains(p, "image") || strings.Contains(p, "photo") || strings.Contains(p, "picture") || strings.Contains(p, "avatar"):
			types = []string{"image/*"}
		case strings.Contains(p, "video"):
			types = []string{"video/*"}
		}
	}
	f = sample(types, m.try)
	f.Name = m.w.unique() + "-" + f.Name
	return f, true
}
