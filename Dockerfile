# Rowlock as a small image: one static program that runs as nobody.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /rowlock ./cmd/rowlock

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /rowlock /rowlock
USER 65532:65532
# In a container the database is another container: DATABASE_URL names it.
ENV ROWLOCK_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/rowlock", "healthcheck"]
ENTRYPOINT ["/rowlock"]
CMD ["serve"]
