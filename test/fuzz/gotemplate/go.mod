module kubegauge.test/gotemplate

go 1.26.0
