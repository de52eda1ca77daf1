// Package static carries what browsers fetch beside the pages: styles,
// scripts, typefaces, icons. Each file has an address that names its content,
// so that a browser may keep it for ever and never keeps an old one.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed files
var embedded embed.FS

// Prefix is where [Handler] expects to be mounted.
const Prefix = "/static/"

// files holds every file by its hashed name, addresses the address of each by
// its plain one. Both are built once, when the program starts.
var files, addresses = load(embedded)

// A file is ready to be sent: nothing is hashed or compressed per request.
type file struct {
	mediaType string
	plain     []byte
	// gzipped is nil where compression gains nothing.
	gzipped []byte
}

// Path is the address of a file: "app.css" is found at
// "/static/app.3f2a….css". A name that is not carried is a mistake in the
// program, so it panics.
func Path(name string) string {
	address, ok := addresses[name]
	if !ok {
		panic(fmt.Sprintf("static: no file %q", name))
	}
	return address
}

// Handler serves the files below [Prefix] by their hashed addresses. Any other
// address is not found: an old one must not be answered with new content.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[strings.TrimPrefix(r.URL.Path, Prefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		f.serve(w, r)
	})
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")

	body := f.plain
	if f.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if AcceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = f.gzipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	// A visitor who has left is nobody's mistake.
	_, _ = w.Write(body)
}

// refusesGzip matches the way in which a client says that it wants no gzip.
var refusesGzip = regexp.MustCompile(`gzip\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$)`)

// AcceptsGzip tells whether the client that sent this Accept-Encoding header
// wants gzip.
func AcceptsGzip(header string) bool {
	return strings.Contains(header, "gzip") && !refusesGzip.MatchString(header)
}

// mediaTypes names the type of every extension that is carried. The system's
// own table differs from machine to machine.
var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".woff2": "font/woff2",
	".rules": "application/speculationrules+json",
}

// asset matches a reference of one carried file to another, such as
// url("text.woff2") in a style sheet.
var asset = regexp.MustCompile(`url\("?([a-z0-9-]+\.[a-z0-9]+)"?\)`)

// load reads every file and names it by its content. Files without a media
// type, such as licences, stay inside the program.
func load(from fs.FS) (map[string]file, map[string]string) {
	files, addresses := map[string]file{}, map[string]string{}
	names, err := fs.Glob(from, "files/*")
	if err != nil {
		panic(err)
	}

	add := func(name string, content []byte) {
		mediaType, ok := mediaTypes[path.Ext(name)]
		if !ok {
			return
		}
		hashed := hashedName(name, content)
		files[hashed] = file{mediaType: mediaType, plain: content, gzipped: compress(content)}
		addresses[name] = Prefix + hashed
	}

	// Style sheets come last: they name the addresses of other files.
	var sheets []string
	for _, name := range names {
		if path.Ext(name) == ".css" {
			sheets = append(sheets, name)
			continue
		}
		add(path.Base(name), read(from, name))
	}
	for _, name := range sheets {
		content := asset.ReplaceAllFunc(read(from, name), func(ref []byte) []byte {
			target := string(asset.FindSubmatch(ref)[1])
			address, ok := addresses[target]
			if !ok {
				panic(fmt.Sprintf("static: %s names %q, which is not carried", name, target))
			}
			return []byte(`url("` + address + `")`)
		})
		add(path.Base(name), content)
	}
	return files, addresses
}

func read(from fs.FS, name string) []byte {
	content, err := fs.ReadFile(from, name)
	if err != nil {
		panic(err)
	}
	return content
}

func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
}

// compress is nil where the compressed file would be no smaller, as with
// pictures and typefaces.
func compress(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(content); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	if b.Len() >= len(content) {
		return nil
	}
	return b.Bytes()
}
