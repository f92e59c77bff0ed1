# arguments: folder n d K iterations; me() starts with an M-step from the responsibilities z of the start
suppressMessages(library(mclust))
a <- commandArgs(trailingOnly = TRUE)
n <- as.integer(a[2]); d <- as.integer(a[3]); K <- as.integer(a[4]); iterations <- as.integer(a[5])
read <- function(name, size) readBin(file.path(a[1], name), "double", size)
X <- matrix(read("mclust-X.bin", n * d), n, d)
sigma <- array(read("mclust-covariances.bin", K * d * d), c(d, d, K))
variance <- list(modelName = "VVV", d = d, G = K, sigma = sigma, cholsigma = array(apply(sigma, 3, chol), c(d, d, K)))
guess <- list(pro = read("mclust-weights.bin", K), mean = matrix(read("mclust-means.bin", K * d), d, K), variance = variance)
fit <- function(m) {
  # the initial E-step is timed as well: every other engine pays for it
  z <- estep(X, modelName = "VVV", parameters = guess)$z
  me(X, modelName = "VVV", z = z, control = emControl(itmax = c(m, m), tol = c(0, 0)))
}
seconds <- function(m) { t <- system.time(out <<- fit(m))[["elapsed"]]; t }
times <- c(seconds(1), seconds(1), seconds(1 + iterations))
status <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
p <- out$parameters
writeBin(c(p$pro, p$mean, p$variance$sigma), file.path(a[1], "mclust-out.bin"))
cat(times, as.numeric(gsub("[^0-9]", "", status)) / 1024, as.character(packageVersion("mclust")), "\n")
