// Command bigquery-emulator is goccy's BigQuery emulator, patient with requests.
//
// The emulator handles one request at a time, reads a request's body only when its turn has come,
// and gives up 15 s after the request arrived. On a busy machine requests wait longer than that, and
// are answered with an error that BigQuery does not know. Here bodies are read as they arrive.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/goccy/bigquery-emulator/server"
	"github.com/goccy/bigquery-emulator/types"
)

func main() {
	project := flag.String("project", "", "the project's id")
	dataset := flag.String("dataset", "", "a dataset that exists from the start")
	host := flag.String("host", "127.0.0.1", "the address to listen on")
	port := flag.Uint("port", 9050, "the port of the REST API")
	grpcPort := flag.Uint("grpc-port", 9060, "the port of the Storage API")
	database := flag.String("database", "", "a database file; without one, a temporary file")
	flag.Parse()

	emulator, err := open(*project, *dataset, *database)
	if err == nil {
		emulator.Handler = readFirst(emulator.Handler)
		rest := fmt.Sprintf("%s:%d", *host, *port)
		storage := fmt.Sprintf("%s:%d", *host, *grpcPort)
		err = emulator.Serve(context.Background(), rest, storage)
	}
	fmt.Fprintln(os.Stderr, "bigquery-emulator:", err)
	os.Exit(1)
}

// open returns an emulator of one project.
func open(project, dataset, database string) (*server.Server, error) {
	storage := server.TempStorage
	if database != "" {
		storage = server.Storage(fmt.Sprintf("file:%s?cache=shared", database))
	}
	emulator, err := server.New(storage)
	if err != nil {
		return nil, err
	}
	if err := emulator.SetLogLevel(server.LogLevelError); err != nil {
		return nil, err
	}
	if err := emulator.SetProject(project); err != nil {
		return nil, err
	}
	content := types.NewProject(project)
	if dataset != "" {
		content.Datasets = append(content.Datasets, types.NewDataset(dataset))
	}
	return emulator, emulator.Load(server.StructSource(content))
}

// readFirst reads a request's body before the request waits for its turn.
func readFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusServiceUnavailable)
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(answer, request)
	})
}
