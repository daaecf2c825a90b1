// Answers questions about a log with Go's own sumdb/tlog and sumdb/note.
//
// A question is a line of JSON on stdin, an answer a line of JSON on stdout: what was found,
// or why it was refused.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type question struct {
	Do     string
	Note   []byte
	Text   string
	Keys   []string
	Name   string
	Leaf   []byte
	Root   []byte
	Old    []byte
	Path   [][]byte
	Index  int64
	Size   int64
	Since  int64
	Folder string
	Leaves [][]byte
}

type answer struct {
	Refused string      `json:",omitempty"`
	Found   interface{} `json:",omitempty"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	replies := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		found, err := reply(&asked)
		if err != nil {
			replies.Encode(answer{Refused: err.Error()})
		} else {
			replies.Encode(answer{Found: found})
		}
	}
}

func reply(asked *question) (interface{}, error) {
	switch asked.Do {
	case "open":
		return open(asked.Note, asked.Keys)
	case "sign":
		return sign(asked.Text, asked.Keys)
	case "generate":
		private, public, err := note.GenerateKey(rand.Reader, asked.Name)
		return []string{private, public}, err
	case "record":
		var proof tlog.RecordProof
		for _, one := range asked.Path {
			proof = append(proof, hash(one))
		}
		return "ok", tlog.CheckRecord(proof, asked.Size, hash(asked.Root), asked.Index, hash(asked.Leaf))
	case "tree":
		var proof tlog.TreeProof
		for _, one := range asked.Path {
			proof = append(proof, hash(one))
		}
		return "ok", tlog.CheckTree(proof, asked.Size, hash(asked.Root), asked.Since, hash(asked.Old))
	case "tiles":
		return tiles(asked.Leaves, asked.Since)
	case "proof":
		return readProof(asked.Text, asked.Keys)
	case "log":
		return readLog(asked.Folder, asked.Keys)
	}
	return nil, errors.New("what is " + asked.Do)
}

func hash(data []byte) tlog.Hash {
	var made tlog.Hash
	if copy(made[:], data) != len(made) {
		return tlog.Hash{}
	}
	return made
}

func open(data []byte, keys []string) (*note.Note, error) {
	var known []note.Verifier
	for _, key := range keys {
		one, err := note.NewVerifier(key)
		if err != nil {
			return nil, err
		}
		known = append(known, one)
	}
	return note.Open(data, note.VerifierList(known...))
}

func sign(text string, keys []string) ([]byte, error) {
	var signers []note.Signer
	for _, key := range keys {
		one, err := note.NewSigner(key)
		if err != nil {
			return nil, err
		}
		signers = append(signers, one)
	}
	return note.Sign(&note.Note{Text: text}, signers...)
}

// path is where C2SP's tlog-tiles keeps a tile: Go's own path without the height.
func path(tile tlog.Tile) string {
	made := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(made, "data/", "entries/", 1)
}

// tiles gives the SHA-256 of every file that the growth of a log from since on makes.
func tiles(leaves [][]byte, since int64) (map[string]string, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(wanted []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, one := range wanted {
			found = append(found, stored[one])
		}
		return found, nil
	})
	for at, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(at), leaf, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	made := map[string]string{}
	for _, tile := range tlog.NewTiles(height, since, int64(len(leaves))) {
		data, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		made[path(tile)] = hex.EncodeToString(sum[:])
	}
	return made, nil
}

// readProof checks a file as C2SP's tlog-proof has it and gives the entry that it proves.
func readProof(text string, keys []string) ([]byte, error) {
	parts := strings.SplitN(text, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) < 2 || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return nil, errors.New("no proof")
	}
	if !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return nil, errors.New("no extra data or no index")
	}
	extra, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	if err != nil || len(extra) < 2 || len(extra) < 2+int(binary.BigEndian.Uint16(extra)) {
		return nil, errors.New("no entry")
	}
	entry := extra[2 : 2+int(binary.BigEndian.Uint16(extra))]
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	if err != nil {
		return nil, err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		one, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		proof = append(proof, one)
	}
	tree, err := openTree([]byte(parts[1]), keys)
	if err != nil {
		return nil, err
	}
	return entry, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

// openTree reads a signed checkpoint; Go's own has another first line.
func openTree(data []byte, keys []string) (tlog.Tree, error) {
	opened, err := open(data, keys)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 2)
	return tlog.ParseTree([]byte("go.sum database tree\n" + lines[1]))
}

type folder string

func (f folder) Height() int { return height }

func (f folder) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := ioutil.ReadFile(filepath.Join(string(f), path(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// readLog believes a folder only as far as the signed checkpoint and its tiles prove it.
func readLog(place string, keys []string) (string, error) {
	data, err := ioutil.ReadFile(filepath.Join(place, "checkpoint"))
	if err != nil {
		return "", err
	}
	tree, err := openTree(data, keys)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, folder(place))
	var wanted []int64
	for at := int64(0); at < tree.N; at++ {
		wanted = append(wanted, tlog.StoredHashIndex(0, at))
	}
	leaves, err := reader.ReadHashes(wanted)
	if err != nil {
		return "", err
	}
	for start := int64(0); start < tree.N; start += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: start >> height, W: 1 << height}
		if tree.N-start < 1<<height {
			tile.W = int(tree.N - start)
		}
		bundle, err := ioutil.ReadFile(filepath.Join(place, path(tile)))
		if err != nil {
			return "", err
		}
		for at := start; at < start+int64(tile.W); at++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return "", fmt.Errorf("entry %d is cut off", at)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if sum := tlog.RecordHash(bundle[2:end]); !bytes.Equal(sum[:], leaves[at][:]) {
				return "", fmt.Errorf("entry %d is not in the tree", at)
			}
			bundle = bundle[end:]
		}
		if len(bundle) > 0 {
			return "", errors.New("more than the entries of a bundle")
		}
	}
	return base64.StdEncoding.EncodeToString(tree.Hash[:]), nil
}
